"""One network's numbers in every format that torch, NumPy and ONNX write: one SHA-256 of the numbers."""
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


def export(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(1, 3, 224, 224), path, dynamo=False)


def save_safetensors(state, path):
    from safetensors.torch import save_file
    save_file(state, path)


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
        "net.npz": lambda path: np.savez(path, **{k: v.numpy() for k, v in state.items()}),
        "tensorflow.npy": lambda path: np.save(path, tensorflow(state), allow_pickle=True),
        "net.onnx": lambda path: export(model, path),
    }
    digests = {}
    for name, write in writers.items():
        path, converted = folder / name, folder / "converted.safetensors"
        write(path)
        text = decaf("model", "convert", path, converted, "--overwrite")
        digests[name] = re.search(r"SHA-256 of the numbers (\w+)", text).group(1)
        print(f"  {name:16} {digests[name]}")
        path.unlink()
        converted.unlink()
    expect(len(set(digests.values())) == 1, f"the numbers differ: {digests}")
    whole = folder / "whole.pth"
    torch.save(model, whole)
    decaf("model", "convert", whole, folder / "never.safetensors", expect=65)


if torch:
    import pathlib
    with scratch() as name:
        main(pathlib.Path(name))
finish()
