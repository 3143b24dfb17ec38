"""OpenCV's network module, one thread."""
import cv2


def load(onnx, layer, data, precision):
    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromONNX(onnx)

    def run():
        net.setInput(data)
        return net.forward()
    return run, f"OpenCV {cv2.__version__}, f32, 1 thread"
