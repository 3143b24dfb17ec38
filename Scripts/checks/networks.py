"""Networks of many kinds against what Caffe itself computes, blob by blob, against torch, and drawn ones
against NumPy's float64.

    networks.py [--seeds 0-29]    other seeds draw other chains
"""
import argparse
import pathlib
import subprocess

import numpy as np

from chains import Chain
from common import DATA, DECAF, SHARED, command, decaf, expect, finish, scratch

GOLDEN = DATA / "caffe_golden"
SMALL = ["mini_caffenet", "mini_vgg", "mini_cnn_f", "mini_zf", "mini_nin", "mini_bn"]
INSPECTOR = pathlib.Path(DECAF).parent / "ImageInspector"
# Largest difference over the blob's largest magnitude. Caffe's powers and exponentials are float's.
LIMIT, LOOSE_LIMIT = 1e-5, 5e-5
# Of drawn chains, whose scaling may magnify rounding errors: the design's promise.
DRAWN_LIMIT = 1e-4
# The kinds of blobs that those are behind, by the names that all these networks have for them.
LOOSE = ("norm", "prob")


def difference(model, network, data, blob, wanted, folder):
    """The largest difference of any image's blob."""
    worst = 0.0
    for image, expected in zip(data, wanted):
        source, output = folder / "input.f32", folder / "output.f32"
        source.write_bytes(image.astype("<f4").tobytes())
        subprocess.run([INSPECTOR, "network", model, network, source, blob, output], check=True)
        found = np.fromfile(output, "<f4")
        worst = max(worst, abs(found - expected.ravel()).max())
    return worst / abs(wanted).max()


def compare(name, model, network, data, files, folder):
    parts = []
    for path in files:
        blob = path.stem
        if blob == "data":
            continue
        found = difference(model, network, data, blob, np.load(path), folder)
        limit = LOOSE_LIMIT if blob.startswith(LOOSE) else LIMIT
        parts.append(f"{blob} {found:.0e}")
        expect(found <= limit, f"{name} {blob}: {found:.1e} > {limit}")
    print(f"  {name:14} " + ", ".join(parts))


def small(folder):
    for name in SMALL:
        golden = GOLDEN / name
        model, network = golden / "weights.caffemodel", golden / "deploy.prototxt"
        data = np.load(golden / "data.npy")
        compare(name, model, network, data, sorted(golden.glob("*.npy")), folder)
        # The same numbers in decaf's own format, which has the network in it.
        converted = folder / "converted.safetensors"
        decaf("model", "convert", model, converted, "--network", network)
        again = folder / "again.caffemodel"
        decaf("model", "convert", converted, again)
        expect(again.stat().st_size > 0, f"{name}: not converted")
        converted.unlink()
        again.unlink()


def full(folder):
    """By BVLC's own descriptions of the networks, and weights of the oracle's."""
    model = folder / "full.caffemodel"
    subprocess.run(
        ["python3", SHARED / "tools" / "caffenet_oracle.py", "model", model, "--seed", "99"],
        check=True, stdout=subprocess.DEVNULL)
    data = np.load(GOLDEN / "full" / "data.npy")
    every = {"norm1", "norm2", "conv3"}
    for name in ("caffenet", "alexnet"):
        parts = []
        for path in sorted((GOLDEN / "full" / name).glob("*.npy")):
            blob, wanted = path.stem, np.load(path)
            worst = 0.0
            for image, expected in zip(data, wanted):
                source, output = folder / "input.f32", folder / "output.f32"
                source.write_bytes(image.astype("<f4").tobytes())
                subprocess.run(
                    [INSPECTOR, "network", model, name, source, blob, output], check=True)
                found = np.fromfile(output, "<f4")
                if blob in every:
                    side = expected.shape[-1]
                    found = found.reshape(-1, side, side)[::16]
                worst = max(worst, abs(found.ravel() - expected.ravel()).max())
            worst /= abs(wanted).max()
            limit = LOOSE_LIMIT if blob.startswith(LOOSE) else LIMIT
            parts.append(f"{blob} {worst:.0e}")
            expect(worst <= limit, f"{name} {blob}: {worst:.1e} > {limit}")
        print(f"  {name:14} " + ", ".join(parts))


def torch_networks(nn):
    """torchvision's AlexNet and VGG-16, written out: names of their layers, and the layers."""
    convolutions = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)]
    rest = [nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096),
            nn.ReLU(), nn.Linear(4096, 1000)]
    yield "torchvision", ([(f"features.{i}", it) for i, it in enumerate(convolutions)]
                          + [(f"classifier.{i}", it) for i, it in enumerate(rest)])
    layers, channels = [], 3
    for block, (count, width) in enumerate(zip((2, 2, 3, 3, 3), (64, 128, 256, 512, 512)), 1):
        for i in range(1, count + 1):
            layers += [(f"conv{block}_{i}:pre", nn.Conv2d(channels, width, 3, padding=1)),
                       (f"conv{block}_{i}", nn.ReLU())]
            channels = width
        layers.append((f"pool{block}", nn.MaxPool2d(2, 2)))
    layers += [("fc6:pre", nn.Linear(25088, 4096)), ("fc6", nn.ReLU()),
               ("fc7:pre", nn.Linear(4096, 4096)), ("fc7", nn.ReLU()),
               ("fc8", nn.Linear(4096, 1000))]
    yield "vgg16", layers


def against_torch(folder):
    """Seeded weights; every layer of torch's own float32."""
    try:
        import torch
    except ImportError:
        print("NOT CHECKED: torchvision's networks, for want of torch")
        return
    from safetensors.numpy import save_file
    torch.manual_seed(5)
    for name, layers in torch_networks(torch.nn):
        tensors = {}
        for layer, it in layers:
            it.eval()
            if hasattr(it, "weight"):
                it.weight.data.normal_(0, (2 / it.weight[0].numel()) ** 0.5)
                it.bias.data.uniform_(-0.1, 0.1)
                stem = layer.removesuffix(":pre")
                tensors |= {f"{stem}.weight": it.weight.detach().numpy(),
                            f"{stem}.bias": it.bias.detach().numpy()}
        model = folder / f"{name}.safetensors"
        save_file(tensors, model, metadata={"architecture": name})
        value = torch.randn(1, 3, 224, 224)
        source, output = folder / "input.f32", folder / "output.f32"
        source.write_bytes(value.numpy().tobytes())
        parts = []
        for layer, it in layers:
            with torch.no_grad():
                if isinstance(it, torch.nn.Linear):
                    value = value.flatten(1)
                value = it(value)
            if isinstance(it, (torch.nn.Dropout, torch.nn.ReLU)):
                continue
            wanted = value.numpy().ravel()
            subprocess.run([INSPECTOR, "network", model, name, source, layer, output], check=True)
            found = abs(np.fromfile(output, "<f4") - wanted).max() / abs(wanted).max()
            parts.append(f"{layer} {found:.0e}")
            expect(found <= LIMIT, f"{name} {layer}: {found:.1e} > {LIMIT}")
        print(f"  {name:14} " + ", ".join(parts))


def drawn(seeds, folder):
    """All activations of drawn chains at once, and each alone: more is then done in place."""
    worst, blobs, filtered = [], 0, 0
    model, network, data = (folder / it for it in ("w.npz", "net.prototxt", "expected.npz"))
    for seed in seeds:
        chain = Chain(seed)
        if not chain.weights:
            continue
        network.write_text(chain.text)
        np.savez(model, **chain.weights)
        np.savez(data, **{blob: value[None] for blob, value in chain.values.items()})
        run = subprocess.run(
            command("model", "verify", model, "--network", network, "--expect", data),
            capture_output=True, text=True)
        expect(run.returncode == 0, f"seed {seed}: {run.stderr.strip()[-400:]}\n{chain.text}")
        if run.returncode != 0:
            continue
        alone = {}
        values = {blob: value for blob, value in chain.values.items() if blob != "data"}
        for blob, value in values.items():
            alone[blob] = difference(
                model, network, chain.values["data"][None], blob, value[None], folder)
            expect(alone[blob] <= DRAWN_LIMIT,
                   f"seed {seed}, {blob} alone: {alone[blob]:.1e} > {DRAWN_LIMIT}\n{chain.text}")
        worst.append((max(alone.values()), seed))
        blobs += len(values)
        filtered += chain.filtered
    print(f"  {len(worst)} chains, {blobs} blobs, {filtered} convolutions by minimal filtering: at most "
          + ", ".join(f"{found:.0e} (seed {seed})" for found, seed in sorted(worst)[:-4:-1]))


def seeds(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--seeds", type=seeds, help="draws these chains alone; default: 0-29 and all else")
options = arguments.parse_args()
print("drawn chains: largest difference from NumPy's float64, likewise")
with scratch() as place:
    drawn(options.seeds or range(30), pathlib.Path(place))
if options.seeds:
    finish()
if not GOLDEN.is_dir():
    print(f"NOT CHECKED: {GOLDEN} is not there")
else:
    print("largest difference from Caffe over the blob's largest magnitude")
    with scratch() as place:
        small(pathlib.Path(place))
        full(pathlib.Path(place))
print("torchvision's networks: largest difference from torch, likewise")
with scratch() as place:
    against_torch(pathlib.Path(place))
finish()
