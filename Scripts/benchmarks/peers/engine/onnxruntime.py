"""ONNX Runtime, one thread."""
import onnxruntime as ort


def load(onnx, layer, data, precision):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(onnx, options, ["CPUExecutionProvider"])
    return (lambda: session.run(None, {"data": data})[0],
            f"ONNX Runtime {ort.__version__}, f32, 1 thread")
