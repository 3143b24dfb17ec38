"""One process of the pipeline's peer: decodes and resizes with OpenCV, computes with an engine's peer.

    pipeline_peer.py KIND ONNX LIST OUTPUT RANK PROCESSES [bytewise] [reduced]

Takes every PROCESSES-th batch of the list, beginning with the RANK-th, and writes its rows into the NumPy
file OUTPUT, which is there already. Says when it is ready, and waits for a line before it starts.
`bytewise` resizes to rounded bytes; `reduced` decodes at a quarter of the size.
"""
import importlib
import pathlib
import sys

import cv2
import numpy as np

from peers.answers import answer
from pictures import network_input

BATCH = 64

kind, onnx, names, output, rank, processes, *how = sys.argv[1:]
cv2.setNumThreads(1)
inputs = np.zeros((BATCH, 3, 227, 227), np.float32)
run, detail = importlib.import_module(f"peers.engine.{kind}").load(onnx, "fc7", inputs, "f32")
run()
flags = cv2.IMREAD_REDUCED_COLOR_4 if "reduced" in how else cv2.IMREAD_COLOR
paths = [str(pathlib.Path(names).parent / line) for line in pathlib.Path(names).read_text().split()]
rows = np.lib.format.open_memmap(output, "r+")
answer(f"OpenCV {cv2.__version__}, {detail}")
sys.stdin.readline()
for start in range(int(rank) * BATCH, len(paths), int(processes) * BATCH):
    part = paths[start:start + BATCH]
    for slot, path in enumerate(part):
        inputs[slot] = network_input(cv2.imread(path, flags), bytewise="bytewise" in how)
    rows[start:start + len(part)] = run()[:len(part)]
rows.flush()
