"""One network's numbers in every format that torch, NumPy and ONNX write: one SHA-256 of the numbers."""
import pathlib
import pickle
import re
import warnings

import numpy as np

from common import decaf, expect, finish, scratch

try:
    import torch
except ImportError:
    torch = None
    print("NOT CHECKED: other programs' weight files, for want of torch")


class AlexNet(torch.nn.Module if torch else object):
    """torchvision's, written out."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def tensorflow(state):
    """As caffe-tensorflow has them: outputs last, planes pixel by pixel."""
    layers = {}
    for key, value in state.items():
        layer, part = key.rsplit(".", 1)
        value = value.numpy()
        if layer == "classifier.1" and part == "weight":
            value = value.reshape(4096, 256, 6, 6).transpose(2, 3, 1, 0).reshape(9216, 4096)
        elif value.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
        elif value.ndim == 2:
            value = value.T
        layers.setdefault(layer, {})[part.replace("weight", "weights").replace("bias", "biases")] = (
            np.ascontiguousarray(value))
    return layers


def savemat(state, path, is_compressed):
    """As MatConvNet's import-caffe.py writes networks: height × width × inputs × outputs."""
    import scipy.io

    def array(values):
        cell = np.empty((1, len(values)), object)
        for i, value in enumerate(values):
            cell[0, i] = value
        return cell

    def few(*values):
        return np.array([values], float)

    layers, size = [], 224
    strides, pads = {0: 4}, {0: 2, 3: 2, 6: 1, 8: 1, 10: 1}
    for i in range(13):
        name = f"features.{i}"
        if f"{name}.weight" in state:
            weight = state[f"{name}.weight"].numpy()
            size = (size + 2 * pads[i] - weight.shape[2]) // strides.get(i, 1) + 1
            layers.append({
                "name": name, "type": "conv", "pad": few(*[pads[i]] * 4),
                "stride": few(*[strides.get(i, 1)] * 2),
                "weights": array([weight.transpose(2, 3, 1, 0), state[f"{name}.bias"].numpy()[None]])})
        elif i in (2, 5, 12):
            size = (size - 3) // 2 + 1
            layers.append({"name": name, "type": "pool", "method": "max", "pool": few(3, 3),
                           "stride": few(2, 2), "pad": few(0, 0, 0, 0)})
        else:
            layers.append({"name": name, "type": "relu"})
    for i in range(7):
        name = f"classifier.{i}"
        if f"{name}.weight" in state:
            weight = state[f"{name}.weight"].numpy().reshape(-1, *((256, 6, 6) if i == 1 else (4096, 1, 1)))
            layers.append({
                "name": name, "type": "conv", "pad": few(0, 0, 0, 0), "stride": few(1, 1),
                "weights": array([weight.transpose(2, 3, 1, 0), state[f"{name}.bias"].numpy()[None]])})
        elif i in (2, 5):
            layers.append({"name": name, "type": "relu"})
    layers.append({"name": "prob", "type": "softmax"})
    scipy.io.savemat(
        path, {"layers": array(layers), "normalization": {"imageSize": few(224, 224, 3)}},
        do_compression=is_compressed, oned_as="row")


def export(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(1, 3, 224, 224), path, dynamo=False)


def save_safetensors(state, path):
    from safetensors.torch import save_file
    save_file(state, path)


def digest(path, folder):
    text = decaf("model", "convert", path, folder / "converted.safetensors", "--overwrite")
    return re.search(r"SHA-256 of the numbers (\w+)", text).group(1)


def decaf_release(folder):
    """DeCAF's own network as Python pickles it: conv1 and conv2 of it, and the mean image."""
    random = np.random.default_rng(3)
    shapes = {"conv1": (96, 3, 11), "conv2": (256, 48, 5)}
    layers = [{"name": "data", "type": "data", "inputs": []}]
    arrays = {}
    for number, (name, (outputs, inputs, size)) in enumerate(shapes.items()):
        weight = random.standard_normal((outputs, inputs, size, size)).astype(np.float32)
        bias = random.standard_normal(outputs).astype(np.float32)
        arrays |= {f"{name}.weight": weight, f"{name}.bias": bias}
        groups = 1 + number
        layers.append({
            "name": name, "type": "conv", "filters": outputs, "filterSize": [size],
            "channels": [inputs * groups], "groups": [groups], "stride": [4 - 3 * number],
            "padding": [-2 * number], "sharedBiases": True, "inputs": [len(layers) - 1],
            "inputLayers": [layers[-1]], "initW": [0.01],
            "weights": [np.ascontiguousarray(weight.reshape(outputs, -1).T)],
            "weightsInc": [np.zeros((1, 1), np.float32)], "biases": bias[:, None]})
        if number == 0:
            layers += [
                {"name": "conv1_neuron", "type": "neuron", "neuron": {"type": "relu", "params": {}}},
                {"name": "pool1", "type": "pool", "pool": "max", "start": 0, "sizeX": 3, "stride": 2},
                {"name": "rnorm1", "type": "cmrnorm", "size": 5, "scale": 1e-4 / 5, "pow": 0.75}]
    for protocol in (4, 5):
        (folder / "imagenet.decafnet.epoch90").write_bytes(pickle.dumps(layers, protocol))
        np.savez(folder / "same.npz", **arrays)
        found = [digest(folder / name, folder) for name in ("imagenet.decafnet.epoch90", "same.npz")]
        print(f"  {'decafnet, ' + str(protocol):16} {found[0]}")
        expect(found[0] == found[1], f"DeCAF's own network, protocol {protocol}: {found}")
    text = decaf("model", "inspect", folder / "imagenet.decafnet.epoch90")
    expect("decaf-release" in text, "the transform of DeCAF's own network")


def main(folder):
    torch.manual_seed(1)
    model = AlexNet().eval()
    state = model.state_dict()
    checkpoint = {
        "epoch": 90, "state_dict": {"module." + key: value for key, value in state.items()},
        "best_acc1": torch.tensor(56.5), "optimizer": {"param_groups": [{"lr": 0.1}]}}
    turned = {key: value.t().contiguous().t() if value.ndim == 2 else value
              for key, value in state.items()}
    writers = {
        "net.safetensors": lambda path: save_safetensors(state, path),
        "net.pth": lambda path: torch.save(state, path),
        "legacy.pth":
            lambda path: torch.save(state, path, _use_new_zipfile_serialization=False),
        "checkpoint.pth": lambda path: torch.save(checkpoint, path),
        "turned.pth": lambda path: torch.save(turned, path),
        "compressed.npz": lambda path: np.savez_compressed(
            path, **{k: v.numpy() for k, v in state.items()}),
        "net.mat": lambda path: savemat(state, path, False),
        "compressed.mat": lambda path: savemat(state, path, True),
        "net.npz": lambda path: np.savez(path, **{k: v.numpy() for k, v in state.items()}),
        "tensorflow.npy": lambda path: np.save(path, tensorflow(state), allow_pickle=True),
        "net.onnx": lambda path: export(model, path),
    }
    digests = {}
    for name, write in writers.items():
        path, converted = folder / name, folder / "converted.safetensors"
        write(path)
        digests[name] = digest(path, folder)
        print(f"  {name:16} {digests[name]}")
        path.unlink()
        converted.unlink()
    expect(len(set(digests.values())) == 1, f"the numbers differ: {digests}")
    whole = folder / "whole.pth"
    torch.save(model, whole)
    decaf("model", "convert", whole, folder / "never.safetensors", expect=65)


if __name__ == "__main__":
    with scratch() as name:
        decaf_release(pathlib.Path(name))
    if torch:
        with scratch() as name:
            main(pathlib.Path(name))
    finish()
