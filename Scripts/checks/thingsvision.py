"""A THINGSvision user's walk: a folder of PNGs and torchvision's weights, to NumPy and MATLAB.

The weights are seeded numbers in torchvision's layout; plain torch computes the activations of the
store's own input tensors, and Pillow the tensors.
"""
import pathlib
import re

import numpy as np
import scipy.io
from PIL import Image

from common import decaf, expect, finish, rows, scratch

try:
    import torch
except ImportError:
    torch = None
    print("NOT CHECKED: torchvision's weights from folder to MATLAB, for want of torch")

LAYERS = ["data", "features.12", "classifier.5"]
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# Of the layer's largest magnitude, from torch's own.
LIMIT = 1e-5


def stimuli(folder):
    """Pictures as experiments have them: PNG of every mode, wide, tall, small; one JPEG among them."""
    random = np.random.default_rng(6)
    sizes = [(500, 375), (320, 480), (224, 224), (257, 256), (90, 140), (800, 600)]
    modes = ["RGB", "L", "RGBA", "P", "RGB", "LA"]
    for number, (size, mode) in enumerate(zip(sizes, modes)):
        small = random.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize(size, Image.BICUBIC)
        place = folder / ("animal" if number % 2 else "tool")
        place.mkdir(exist_ok=True)
        image.convert(mode).save(place / f"stimulus_{number:02}.png")
    image.save(folder / "animal" / "photo.jpg", quality=95)


def pillow(path):
    """torchvision's transform (Resize(256), CenterCrop(224), ToTensor, Normalize) by Pillow."""
    image = Image.open(path).convert("RGB")
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new = int(256 * long / short)
    size = (256, new) if width <= height else (new, 256)
    image = image.resize(size, Image.BILINEAR)
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float64) / 255
    return ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)


def main(folder):
    from weights import AlexNet
    images = folder / "stimuli"
    images.mkdir()
    stimuli(images)
    torch.manual_seed(3)
    model = AlexNet().eval()
    for name, value in model.named_parameters():
        scale = (2 / value[0].numel()) ** 0.5 if value.ndim > 1 else 0.05
        value.data.normal_(0, scale)
    torch.save(model.state_dict(), folder / "alexnet-owt-7be5be79.pth")

    # What a newcomer types: no network, no transform.
    store = folder / "stimuli.store"
    decaf("extract", images, "--model", folder / "alexnet-owt-7be5be79.pth",
          "--layers", ",".join(LAYERS), "--output", store)
    table = rows(store)
    expect(len(table) == 7 and all(row["status"] == "ok" for row in table), "all images are rows")
    kept = [row["path"] for row in table]
    data = np.load(store / "data.npy").reshape(-1, 3, 224, 224)

    # Without transparency, which Pillow's convert drops as decaf does.
    grey = max(abs((ours - pillow(images / path)) * DEVIATION[:, None, None] * 255).max()
               for ours, path in zip(data, kept))
    print(f"  input tensors: at most {grey:.2f} grey levels from Pillow's")
    expect(grey <= 1.01, f"input tensors differ by {grey} grey levels")

    with torch.no_grad():
        features = model.features(torch.from_numpy(data.copy()))
        fc = model.classifier[:6](torch.flatten(model.avgpool(features), 1))
    wanted = {"features.12": features.flatten(1).numpy(), "classifier.5": fc.numpy()}
    for layer, expected in wanted.items():
        decaf("export", store, "--format", "npz", "--layer", layer, "--output", folder / "x.npz",
              "--overwrite")
        decaf("export", store, "--format", "mat", "--layer", layer, "--output", folder / "x.mat",
              "--overwrite")
        npz, mat = np.load(folder / "x.npz"), scipy.io.loadmat(folder / "x.mat")
        own = np.load(store / f"{layer}.npy")
        expect(np.array_equal(npz["features"], own), f"{layer}: npz")
        expect(np.array_equal(mat["features"], own), f"{layer}: mat")
        expect(npz["paths"].tolist() == kept, f"{layer}: paths of npz")
        expect([str(cell[0][0]) for cell in mat["paths"]] == kept, f"{layer}: paths of mat")
        difference = abs(own - expected).max() / abs(expected).max()
        print(f"  {layer}: {difference:.1e} of the largest magnitude from torch's")
        expect(difference <= LIMIT, f"{layer} differs by {difference}")

    # The wrong transform is loud, and the activations can be compared by the command itself.
    run = decaf("extract", images, "--model", folder / "alexnet-owt-7be5be79.pth", "--preprocess",
                "caffe", "--layers", "classifier.5", "--output", folder / "wrong.store", "--dry-run",
                both=True)
    expect("THE INPUT TRANSFORM IS NOT THE NETWORK'S" in run, "the wrong transform is warned of")
    np.savez(folder / "theirs.npz", data=data, **wanted)
    text = decaf("model", "verify", folder / "alexnet-owt-7be5be79.pth", "--expect",
                 folder / "theirs.npz")
    expect(re.search(r"same within", text) is not None, "model verify agrees with torch")


if torch:
    with scratch() as name:
        main(pathlib.Path(name))
finish()
