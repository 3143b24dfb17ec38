"""OpenVINO, one thread."""
import openvino as ov


def load(onnx, layer, data, precision):
    # Left alone, OpenVINO binds its thread to the first core that it knows, in every process the same.
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False,
                "INFERENCE_PRECISION_HINT": precision}
    request = ov.Core().compile_model(onnx, "CPU", settings).create_infer_request()
    request.set_input_tensor(ov.Tensor(data, shared_memory=True))

    def run():
        request.infer()
        return request.get_output_tensor().data
    version = ov.__version__.split("-")[0]
    return run, f"OpenVINO {version}, {precision}, 1 thread, pinning off"
