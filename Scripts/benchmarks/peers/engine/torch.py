"""PyTorch in inference mode, one thread, with the functions of `torch.nn`."""
import onnx as onnx_package
import torch
from onnx import numpy_helper


def load(onnx, layer, data, precision):
    torch.set_num_threads(1)
    graph = onnx_package.load(onnx).graph
    constants = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy())
                 for c in graph.initializer}
    inputs = torch.from_numpy(data)

    @torch.inference_mode()
    def run():
        x = inputs
        for node in graph.node:
            x = _apply(node, x, [constants[i] for i in node.input[1:]])
        return x.numpy()
    return run, f"torch {torch.__version__}, f32, 1 thread"


def _apply(node, x, weights):
    functions = torch.nn.functional
    attributes = {a.name: onnx_package.helper.get_attribute_value(a) for a in node.attribute}
    match node.op_type:
        case "Conv":
            return functions.conv2d(x, *weights, attributes["strides"], attributes["pads"][:2],
                                    groups=attributes["group"])
        case "Relu":
            return functions.relu_(x)
        case "MaxPool":
            return functions.max_pool2d(x, 3, 2, ceil_mode=True)
        case "LRN":
            return functions.local_response_norm(x, 5, 1e-4, 0.75, 1.0)
        case "Flatten":
            return x.flatten(1)
        case "Gemm":
            return functions.linear(x, *weights)
        case "Softmax":
            return functions.softmax(x, 1)
    raise ValueError(node.op_type)
