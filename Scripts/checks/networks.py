"""Small and full networks of many kinds against what Caffe itself computes, blob by blob."""
import pathlib
import subprocess

import numpy as np

from common import DATA, DECAF, SHARED, decaf, expect, finish, scratch

GOLDEN = DATA / "caffe_golden"
SMALL = ["mini_caffenet", "mini_vgg", "mini_cnn_f", "mini_zf", "mini_nin", "mini_bn"]
INSPECTOR = pathlib.Path(DECAF).parent / "ImageInspector"
# Largest difference over the blob's largest magnitude. Caffe's powers and exponentials are float's.
LIMIT, LOOSE_LIMIT = 1e-5, 5e-5
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


if not GOLDEN.is_dir():
    print(f"NOT CHECKED: {GOLDEN} is not there")
else:
    print("largest difference from Caffe over the blob's largest magnitude")
    with scratch() as place:
        small(pathlib.Path(place))
        full(pathlib.Path(place))
finish()
