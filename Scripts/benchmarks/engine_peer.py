"""One peer of the engine: runs a batch for every line on standard input, answers the seconds.

    engine_peer.py KIND ONNX LAYER SIDE INPUT OUTPUT

KIND is a file of `peers/engine`, or `openvino:bf16` for another precision. Its `load(onnx, layer, data,
precision)` gives a function that reads `data` anew, N×3×SIDE×SIDE, and gives the layer's values, and what
there is to say of version and settings. Writes the first run's result to OUTPUT, raw float32.
"""
import importlib
import sys
import time

import numpy as np

from peers.answers import answer

kind, onnx, layer, side, source, target = sys.argv[1:]
name, _, precision = kind.partition(":")
data = np.fromfile(source, "<f4").reshape(-1, 3, int(side), int(side))
run, detail = importlib.import_module(f"peers.engine.{name}").load(
    onnx, layer, data, precision or "f32")
np.ascontiguousarray(run(), "<f4").tofile(target)
answer(detail)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    answer(time.perf_counter() - start)
