"""A decaf .safetensors network as an ONNX model, for peers that read that format."""
import numpy as np
import onnx
import onnx.shape_inference
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

# Name, groups, padding and stride of the convolutions; caffenet and alexnet share them.
_CONVOLUTIONS = {
    "conv1": (1, 0, 4), "conv2": (2, 2, 1), "conv3": (1, 1, 1), "conv4": (2, 1, 1),
    "conv5": (2, 1, 1),
}


def onnx_model(path, output, batch):
    """The network in `path` up to the blob `output` (after its ReLU), as an onnx.ModelProto.

    Input `data`: batch × 3 × 227 × 227; output: batch × width, or maps.
    """
    nodes, constants = [], []
    with safe_open(path, "np") as weights:
        architecture = weights.metadata()["architecture"]
        blob = "data"

        def add(kind, name, *inputs, **attributes):
            nonlocal blob
            nodes.append(helper.make_node(kind, [blob, *inputs], [name], name, **attributes))
            blob = name

        def parameters(name):
            for part in ("weight", "bias"):
                constants.append(numpy_helper.from_array(
                    np.ascontiguousarray(weights.get_tensor(f"{name}.{part}")), f"{name}.{part}"))
            return f"{name}.weight", f"{name}.bias"

        def pool(name):
            add("MaxPool", name, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)

        def normalize(name):
            add("LRN", name, size=5, alpha=1e-4, beta=0.75, bias=1.0)

        for layer in _layers(architecture):
            if layer in _CONVOLUTIONS:
                groups, padding, stride = _CONVOLUTIONS[layer]
                add("Conv", f"{layer}:pre", *parameters(layer), group=groups,
                    pads=[padding] * 4, strides=[stride] * 2)
                add("Relu", layer)
            elif layer.startswith("pool"):
                pool(layer)
            elif layer.startswith("norm"):
                normalize(layer)
            else:
                if layer == "fc6":
                    add("Flatten", "flat")
                last = layer == "fc8"
                add("Gemm", layer if last else f"{layer}:pre", *parameters(layer), transB=1)
                if not last:
                    add("Relu", layer)
            if layer == output:
                break
        else:
            raise ValueError(f"{output}: not a layer of {architecture}")
    graph = helper.make_graph(
        nodes, architecture,
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, 227, 227])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    # Some readers want every shape spelled out.
    return onnx.shape_inference.infer_shapes(model)


def _layers(architecture):
    """The layers' order: caffenet pools before it normalizes, alexnet after."""
    first = {"caffenet": ("pool", "norm"), "alexnet": ("norm", "pool")}[architecture]
    order = []
    for i in (1, 2):
        order += [f"conv{i}", f"{first[0]}{i}", f"{first[1]}{i}"]
    return order + ["conv3", "conv4", "conv5", "pool5", "fc6", "fc7", "fc8"]


def save_onnx(path, output, batch, target):
    """Writes `onnx_model` to the file `target`."""
    onnx.save_model(onnx_model(path, output, batch), target)
