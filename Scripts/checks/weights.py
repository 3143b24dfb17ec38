"""One network's numbers in every format that torch, NumPy and ONNX write: one SHA-256 of the numbers.

And in every layout that people save: the same numbers, or a refusal that names what is there.
"""
import json
import pathlib
import pickle
import re
import warnings
import zipfile

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


def repacked(path, target):
    """A `.pth` file packed anew, compressed, its members in another order."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(source.namelist(), reverse=True):
            packed.writestr(name, source.read(name))


def layouts(folder):
    """What of a network's filters people save, by PyTorch and NumPy; small files, so many of them."""
    torch.manual_seed(1)
    model = AlexNet().eval()
    state = {key: it for key, it in model.state_dict().items() if key.startswith("features")}
    path = folder / "net.pth"

    def named(prefix):
        return {prefix + key: it for key, it in state.items()}

    def nested(separator, turn):
        layers = {}
        for key, it in state.items():
            layers.setdefault(key.rsplit(".", 1)[0], []).append(
                it.numpy().transpose(2, 3, 1, 0) if turn and it.ndim == 4 else it.numpy())
        return layers if separator is None else {
            f"{layer}{separator}{part}": it for layer, parts in layers.items()
            for part, it in zip(("kernel", "bias"), parts)}

    flat, views, place = torch.cat([it.reshape(-1) for it in state.values()]), {}, 0
    for key, it in state.items():
        views[key] = flat[place:place + it.numel()].view(it.shape)
        place += it.numel()
    torch.save(state, path)
    expected = digest(path, folder)
    same = {
        "model": {"model": state, "epoch": 3, "optimizer": {"state": {0: {"step": torch.tensor(1.)}}}},
        "model_state_dict": {"loss": 0.5, "model_state_dict": state},
        "module": {"state_dict": named("module.")},
        "within another": {**named("encoder_q."), "head.0.weight": torch.ones(2, 2)},
        "parameters": dict(model.features.named_parameters(prefix="features")),
        "channels last": {key: it.contiguous(memory_format=torch.channels_last) if it.ndim == 4 else it
                          for key, it in state.items()},
        "views of one storage": views,
        "every second number": {key: torch.stack([it, it], -1)[..., 0] for key, it in state.items()},
        "float64": {key: it.double() for key, it in state.items()},
    }
    for name, value in same.items():
        for is_new in (True, False):
            torch.save(value, path, _use_new_zipfile_serialization=is_new)
            expect(digest(path, folder) == expected, f"{name}, {'ZIP' if is_new else 'legacy'}")
    torch.save(state, folder / "whole.pth")
    repacked(folder / "whole.pth", path)
    expect(digest(path, folder) == expected, "packed anew")
    for turn in (False, True):
        np.savez(folder / "net.npz", **nested("/", turn))
        expect(digest(folder / "net.npz", folder) == expected, f".npz, outputs last: {turn}")
        np.save(folder / "net.npy", nested(None, turn), allow_pickle=True)
        expect(digest(folder / "net.npy", folder) == expected, f".npy of lists, outputs last: {turn}")
    for kind in (torch.float16, torch.bfloat16):
        low = {key: it.to(kind) for key, it in state.items()}
        torch.save({key: it.float() for key, it in low.items()}, path)
        wanted = digest(path, folder)
        for is_new in (True, False):
            torch.save(low, path, _use_new_zipfile_serialization=is_new)
            expect(digest(path, folder) == wanted, f"{kind}, {'ZIP' if is_new else 'legacy'}")
        save_safetensors(low, folder / "low.safetensors")
        expect(digest(folder / "low.safetensors", folder) == wanted, f"{kind}, safetensors")
    refusals(state, path, folder)
    print(f"  {len(same)} layouts of .pth in both forms, .npz, .npy: {expected}")


def refusals(state, path, folder):
    """What is not read, and the words that say so."""
    def refused(words, source=path):
        text = decaf("model", "convert", source, folder / "never.safetensors", expect=65, both=True)
        expect(words in text, f"{words}: {text}")

    for words, value in {
            "several networks": {prefix + key: it for prefix in ("student.", "teacher.")
                                 for key, it in state.items()},
            "features.0.weight as integers": {key: (100 * it).to(torch.int8) for key, it in state.items()},
            "torch.ComplexFloatStorage": {key: it.to(torch.complex64) for key, it in state.items()},
            "no dictionary of tensors": list(state.values()),
            "'features.3'": {key: it for key, it in state.items() if "features.3" not in key},
            "NaN": {**state, "features.3.bias": torch.full((192,), float("nan"))}}.items():
        torch.save(value, path)
        refused(words)
    torch.jit.script(AlexNet().features).save(str(path))
    refused("TorchScript")
    np.savez(folder / "net.npz", **{key: it.numpy().astype(">f4") for key, it in state.items()})
    refused("big-endian", folder / "net.npz")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {key: "model-00001-of-00002.safetensors" for key in state}}))
    refused("an index of weights in several files", index)


def normalized(folder):
    """torchvision's vgg16_bn, written out: its numbers, and what they compute."""
    torch.manual_seed(2)
    nn, layers, channels = torch.nn, [], 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    model = nn.ModuleDict({"features": nn.Sequential(*layers)})
    for it in layers:
        if isinstance(it, nn.BatchNorm2d):
            it.weight.data.uniform_(0.5, 1.5)
            it.bias.data.normal_(0, 0.2)
            it.num_batches_tracked.fill_(1234)
    with torch.no_grad():
        model["features"](torch.randn(2, 3, 224, 224))  # Means and variances that are the layers' own.
        model.eval()
        data, values, value = torch.randn(1, 3, 224, 224), {}, None
        for number, it in enumerate(layers):
            value = it(data if value is None else value)
            values[f"features.{number}"] = value.numpy()
    torch.save({"state_dict": model.state_dict()}, folder / "vgg16_bn.pth")
    np.savez(folder / "theirs.npz", data=data.numpy(), **values)
    text = decaf("model", "verify", folder / "vgg16_bn.pth", "--expect", folder / "theirs.npz")
    expect("torchvision-vgg16-bn" in text and "same within" in text, f"vgg16_bn: {text}")
    # Not fused with the convolutions, under names that say nothing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model["features"], data, folder / "net.onnx", dynamo=False,
                          training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    found = decaf("model", "verify", folder / "net.onnx", "--network", "torchvision-vgg16-bn",
                  "--expect", folder / "theirs.npz")
    expect("same within" in found, f"vgg16_bn, ONNX: {found}")
    print("  vgg16_bn: " + ", ".join(re.findall(r"\d\.\de-\d+", text)))


if __name__ == "__main__":
    with scratch() as name:
        decaf_release(pathlib.Path(name))
    if torch:
        for part in (layouts, normalized, main):
            with scratch() as name:
                part(pathlib.Path(name))
    finish()
