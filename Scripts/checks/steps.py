"""Twenty steps of training small networks, beside torch in float64: losses, and the weights that come out.

An epoch is one batch of all images, so that the history has the loss of each step. Dropout and
augmentation are off. The last network is large enough for minimal filtering in all three products.
"""
import copy
import json
import pathlib
import sys

import numpy as np
from PIL import Image

from common import decaf, expect, finish, scratch

try:
    import torch
    from torch import nn
except ImportError:
    print("NOT CHECKED: no torch here, which the training of small networks is compared with")
    sys.exit()

STEPS, RATE, MOMENTUM, DECAY = 20, 0.01, 0.9, 5e-4
# Of a loss, and of a tensor's largest change. In a network with many windows of nearly equal numbers
# rounding decides which one gets a gradient, and steps build on each other: torch's own float32 is then
# 8e-5 and 8e-3 off. Minimal filtering rounds up to ten times as much as plain products.
LOSS_LIMIT, WEIGHT_LIMIT, OWN_FACTOR = 1e-4, 2e-3, 10

# NAME TYPE SETTINGS as Caffe has them, and torch's module.
NETWORKS = {
    "pooling first": (3, 31, [
        ("conv1", "Convolution", "num_output: 12 kernel_size: 5 stride: 2 pad: 2",
         lambda: nn.Conv2d(3, 12, 5, 2, 2)),
        ("relu1", "ReLU", "", nn.ReLU),
        ("pool1", "Pooling", "pool: MAX kernel_size: 3 stride: 2",
         lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
        ("norm1", "LRN", "local_size: 5 alpha: 0.01 beta: 0.75",
         lambda: nn.LocalResponseNorm(5, 0.01, 0.75, 1.0)),
        ("conv2", "Convolution", "num_output: 16 kernel_size: 3 pad: 1 group: 2",
         lambda: nn.Conv2d(12, 16, 3, padding=1, groups=2)),
        ("tanh2", "TanH", "", nn.Tanh),
        ("fc3", "InnerProduct", "num_output: 20", lambda: nn.Linear(16 * 8 * 8, 20)),
        ("sigmoid3", "Sigmoid", "", nn.Sigmoid),
        ("fc4", "InnerProduct", "num_output: 4", lambda: nn.Linear(20, 4))]),
    "averages": (3, 24, [
        ("conv1", "Convolution", "num_output: 10 kernel_size: 3", lambda: nn.Conv2d(3, 10, 3)),
        ("prelu1", "PReLU", "", lambda: nn.PReLU(10)),
        ("pool1", "Pooling", "pool: AVE kernel_size: 2 stride: 2", lambda: nn.AvgPool2d(2)),
        ("conv2", "Convolution", "num_output: 14 kernel_size: 3 dilation: 2",
         lambda: nn.Conv2d(10, 14, 3, dilation=2)),
        ("relu2", "ReLU", "negative_slope: 0.1", lambda: nn.LeakyReLU(0.1)),
        ("pool2", "Pooling", "pool: AVE global_pooling: true", lambda: nn.AdaptiveAvgPool2d(1)),
        ("fc3", "InnerProduct", "num_output: 4", lambda: nn.Linear(14, 4))]),
    "minimal filtering": (3, 115, [
        ("conv1", "Convolution", "num_output: 96 kernel_size: 11 stride: 4",
         lambda: nn.Conv2d(3, 96, 11, 4)),
        ("relu1", "ReLU", "", nn.ReLU),
        ("pool1", "Pooling", "pool: MAX kernel_size: 3 stride: 2",
         lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
        ("conv2", "Convolution", "num_output: 128 kernel_size: 5 pad: 2 group: 2",
         lambda: nn.Conv2d(96, 128, 5, padding=2, groups=2)),
        ("relu2", "ReLU", "", nn.ReLU),
        ("conv3", "Convolution", "num_output: 128 kernel_size: 3 pad: 1",
         lambda: nn.Conv2d(128, 128, 3, padding=1)),
        ("relu3", "ReLU", "", nn.ReLU),
        ("pool3", "Pooling", "pool: MAX kernel_size: 3 stride: 2",
         lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
        ("fc4", "InnerProduct", "num_output: 4", lambda: nn.Linear(128 * 6 * 6, 4))]),
}
PARAMETER_NAMES = {
    "Convolution": "convolution_param", "InnerProduct": "inner_product_param",
    "Pooling": "pooling_param", "LRN": "lrn_param", "ReLU": "relu_param"}
IN_PLACE = {"ReLU", "TanH", "Sigmoid", "PReLU"}


def prototxt(channels, side, layers):
    """The network as Caffe describes it."""
    lines = ['name: "steps"', 'layer { name: "data" type: "Input" top: "data" input_param { shape {',
             f"dim: 1 dim: {channels} dim: {side} dim: {side} }} }} }}"]
    bottom = "data"
    for name, kind, settings, _ in layers:
        top = bottom if kind in IN_PLACE else name
        block = f"{PARAMETER_NAMES[kind]} {{ {settings} }}" if settings else ""
        lines.append(f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {block} }}')
        bottom = top
    return "\n".join(lines) + "\n"


def module(layers):
    network = nn.Sequential()
    for name, kind, _, make in layers:
        if kind == "InnerProduct" and "flat" not in dict(network.named_children()):
            network.add_module("flat", nn.Flatten())
        network.add_module(name, make())
    return network


def draw(folder, side, count):
    """Images of four classes that differ in what they look like; a list, and their pixels."""
    generator = np.random.default_rng(5)
    y, x = np.mgrid[:side, :side] / side
    pixels, lines = [], []
    for i in range(count):
        wave = np.sin(6 * (1 + i % 4) * (x if i % 2 else y) + generator.uniform(0, 6))
        image = 128 + 60 * wave[:, :, None] + generator.normal(0, 25, (side, side, 3))
        image = image.clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / f"{i}.png")
        pixels.append(image)
        lines.append(f"{i}.png {i % 4}")
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    data = np.stack(pixels).transpose(0, 3, 1, 2).astype(np.float32) / 128 - 1
    return torch.from_numpy(data), torch.arange(count) % 4


def torch_steps(network, data, labels):
    optimizer = torch.optim.SGD(
        network.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(data), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def numbers(path):
    """The tensors of a safetensors file."""
    raw = pathlib.Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    found = {}
    for name, entry in json.loads(raw[8:8 + length]).items():
        if name.split(".")[-1] in ("weight", "bias"):
            begin, end = entry["data_offsets"]
            found[name] = np.frombuffer(raw[8 + length + begin:8 + length + end], "<f4")
    return found


def check(name, channels, side, layers, folder):
    torch.manual_seed(3)
    data, labels = draw(folder, side, 24)
    network = module(layers)
    start = {key: value.detach().clone().numpy().ravel()
             for key, value in network.state_dict().items()}
    torch.save(network.state_dict(), folder / "start.pth")
    (folder / "net.prototxt").write_text(prototxt(channels, side, layers))
    (folder / "net.yaml").write_text(
        f"name: steps\nresize: {{mode: warp, width: {side}, height: {side}, filter: bilinear}}\n"
        f"crop: {side}\nchannels: rgb\nscale: 0.0078125\nmean: [1, 1, 1]\n")
    single = copy.deepcopy(network)
    own_losses = torch_steps(single, data, labels)
    network = network.double()
    wanted = torch_steps(network, data.double(), labels)
    ends = {key: value.numpy().ravel() for key, value in network.state_dict().items()}

    def furthest(found):
        """How far a tensor is off, as a part of its change, and which."""
        return max((abs(found[key] - end).max() / abs(end - start[key]).max(), key)
                   for key, end in ends.items())

    own_loss = max(abs(a - b) / b for a, b in zip(own_losses, wanted))
    own_weight, _ = furthest({key: value.numpy().ravel() for key, value in single.state_dict().items()})
    for ranks in (None, 2):
        decaf("finetune", folder / "list.txt", "--model", folder / "start.pth", "--network",
              folder / "net.prototxt", "--preprocess", folder / "net.yaml", "--augment", "none",
              "--epochs", STEPS, "--batch", 24, "--base-lr", RATE, "--momentum", MOMENTUM,
              "--weight-decay", DECAY, "--output", folder / "end.safetensors", "--overwrite",
              ranks=ranks)
        history = (folder / "end.history.tsv").read_text().splitlines()
        place = history[0].split("\t").index("loss")
        losses = [float(line.split("\t")[place]) for line in history[1:]]
        worst = max(abs(a - b) / b for a, b in zip(losses, wanted, strict=True))
        error, key = furthest(numbers(folder / "end.safetensors"))
        print(f"  {name}, {ranks or 1} rank(s): loss {wanted[0]:.3f} to {wanted[-1]:.3f}, within "
              f"{worst:.0e}; weights within {error:.0e} of their change ({key}); torch's float32: "
              f"{own_loss:.0e}, {own_weight:.0e}")
        expect(worst <= max(LOSS_LIMIT, OWN_FACTOR * own_loss), f"{name}: a loss is {worst:.1e} off")
        expect(error <= max(WEIGHT_LIMIT, OWN_FACTOR * own_weight),
               f"{name}: {key} is {error:.1e} of its change off")


for name, (channels, side, layers) in NETWORKS.items():
    with scratch() as folder:
        check(name, channels, side, layers, pathlib.Path(folder))
finish()
