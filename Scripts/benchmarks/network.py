"""A decaf network as an ONNX model, for peers that read that format: decaf's own export, cut."""
import os
import pathlib
import subprocess

import onnx
import onnx.shape_inference
import onnx.utils
from onnx import TensorProto, helper


def onnx_model(path, output, batch):
    """The network in the file `path` up to the blob `output`, as an onnx.ModelProto.

    Input `data`: batch × channels × height × width; output: batch × width, or maps.
    """
    model = onnx.load(path)
    graph = model.graph
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    nodes, needed = [], {output}
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.insert(0, node)
            needed.update(node.input)
    if "data" not in needed:
        raise ValueError(f"{output}: not an activation of {path}")
    used = [it for it in graph.initializer if it.name in needed]
    cut = helper.make_graph(
        nodes, graph.name, list(graph.input),
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], used)
    result = helper.make_model(cut, opset_imports=model.opset_import)
    result.ir_version = 8
    # Some readers want every shape spelled out.
    return onnx.shape_inference.infer_shapes(result)


def save_onnx(path, output, batch, target):
    """Writes the network of a weight file to `target`, as `onnx_model` has it."""
    whole = pathlib.Path(target).with_suffix(".whole.onnx")
    subprocess.run(
        [pathlib.Path(os.environ["DECAF_BIN"]) / "decaf", "model", "convert", path, whole,
         "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    onnx.save_model(onnx_model(whole, output, batch), target)
    whole.unlink()
