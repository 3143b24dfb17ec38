"""One peer of the engine: runs a batch for every line on standard input, prints the seconds.

    engine_peer.py KIND MODEL LAYER INPUT OUTPUT

KIND: openvino-f32, openvino-bf16, onnxruntime, torch, opencv, ncnn. MODEL is an ONNX file, or for
ncnn the folder of its conversion. Writes the first run's result to OUTPUT, raw float32.
"""
import sys
import time

import numpy as np

kind, model, layer, source, target = sys.argv[1:]
data = np.fromfile(source, "<f4").reshape(-1, 3, 227, 227)


def openvino(precision):
    import openvino as ov
    compiled = ov.Core().compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision})
    request = compiled.create_infer_request()
    tensor = ov.Tensor(data, shared_memory=True)
    request.set_input_tensor(tensor)

    def run():
        request.infer()
        return request.get_output_tensor().data
    return run, ov.__version__.split("-")[0]


def onnxruntime():
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, ["CPUExecutionProvider"])
    return lambda: session.run(None, {"data": data})[0], ort.__version__


def torch():
    import onnx
    import torch
    from onnx import numpy_helper
    torch.set_num_threads(1)
    graph = onnx.load(model).graph
    constants = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy())
                 for c in graph.initializer}
    functions = torch.nn.functional

    def apply(node, x):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        weights = [constants[i] for i in node.input[1:]]
        match node.op_type:
            case "Conv":
                return functions.conv2d(
                    x, *weights, attributes["strides"], attributes["pads"][:2],
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

    inputs = torch.from_numpy(data)

    @torch.inference_mode()
    def run():
        x = inputs
        for node in graph.node:
            x = apply(node, x)
        return x.numpy()
    return run, torch.__version__.split("+")[0]


def opencv():
    import cv2
    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromONNX(model)

    def run():
        net.setInput(data)
        return net.forward()
    return run, cv2.__version__


def ncnn():
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = 1
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    net.load_param(f"{model}/net.ncnn.param")
    net.load_model(f"{model}/net.ncnn.bin")

    def run():
        rows = []
        for image in data:
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(image))
            rows.append(np.array(extractor.extract("out0")[1]).ravel())
        return np.stack(rows)
    return run, ncnn.__version__


run, version = {
    "openvino-f32": lambda: openvino("f32"), "openvino-bf16": lambda: openvino("bf16"),
    "onnxruntime": onnxruntime, "torch": torch, "opencv": opencv, "ncnn": ncnn,
}[kind]()
np.ascontiguousarray(run(), "<f4").tofile(target)
print(version, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    print(time.perf_counter() - start, flush=True)
