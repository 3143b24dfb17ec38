"""ncnn, one thread, in full precision; image by image, as its networks are."""
import importlib.metadata
import pathlib
import subprocess
import sys

import ncnn
import numpy as np


def load(onnx, layer, data, precision):
    folder = pathlib.Path(onnx).with_suffix(".ncnn")
    if not folder.exists():
        folder.mkdir()  # One process only: the engine's row for one image.
        source = folder / "net.onnx"
        source.write_bytes(pathlib.Path(onnx).read_bytes())
        subprocess.run(
            [pathlib.Path(sys.executable).parent / "pnnx", source, "inputshape=[1,3,227,227]",
             "fp16=0"], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    net = ncnn.Net()
    net.opt.num_threads = 1
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    net.load_param(str(folder / "net.ncnn.param"))
    net.load_model(str(folder / "net.ncnn.bin"))

    def run():
        rows = []
        for image in data:
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(image))
            rows.append(np.array(extractor.extract("out0")[1]).ravel())
        return np.stack(rows)
    return run, f"ncnn {importlib.metadata.version('ncnn')}, f32, 1 thread"
