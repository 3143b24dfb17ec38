"""MNN, one thread, in full precision."""
import fcntl
import importlib.metadata
import os
import pathlib

import MNN
import numpy as np
from MNN import expr, nn


def load(onnx, layer, data, precision):
    path = pathlib.Path(onnx).with_suffix(".mnn")
    with open(path.with_suffix(".lock"), "w") as lock:
        # The converter keeps the weights meanwhile in a file of the current folder that has the same
        # name in every process: two at once give each other wrong weights.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _convert(onnx, path)
    # Measured: laying the weights out beforehand is 5 % faster for one image, 17 % slower for 64.
    rearrange = len(data) == 1
    module = nn.load_module_from_file(
        str(path), ["data"], [layer], thread_num=1, backend=expr.Backend.CPU, rearrange=rearrange,
        shape_mutable=False, precision_mode=expr.PrecisionMode.High)
    inputs = expr.placeholder(list(data.shape), expr.NCHW)

    def run():
        inputs.write(data)
        return np.array(module.forward(inputs).read())
    return run, (f"MNN {importlib.metadata.version('mnn')}, f32, 1 thread, fixed shape"
                 + ", weights rearranged" * rearrange)


def _convert(onnx, path):
    # `mnnconvert` itself would install a package and report what it converted.
    import _tools
    before = os.getcwd()
    os.chdir(path.parent)
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(onnx), "--MNNModel", str(path),
                       "--bizCode", "bench"])
    os.chdir(before)
