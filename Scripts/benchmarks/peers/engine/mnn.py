"""MNN, one thread, in full precision."""
import importlib.metadata
import os
import pathlib

import MNN
import numpy as np
from MNN import expr, nn


def load(onnx, layer, data, precision):
    path = pathlib.Path(onnx).with_suffix(".mnn")
    if not path.exists():
        # `mnnconvert` itself would install a package and report what it converted.
        import _tools
        # Another copy may convert at the same time: each its own file, the last one stays.
        own = path.with_suffix(f".mnn-{os.getpid()}")
        _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(onnx), "--MNNModel",
                           str(own), "--bizCode", "bench"])
        own.rename(path)
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
