"""Feature stores made without a network, for measuring what reads them."""
import hashlib
import json
import pathlib

import numpy as np


def digest(data):
    return hashlib.sha256(data).hexdigest()


def features(rows, width, classes, seed=1):
    """Rows like activations after ReLU: not negative, sparse, with a mean; classes overlap."""
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(classes, size=rows - classes)])
    hidden = 96
    centres = random.normal(size=(classes, hidden))
    mixing = random.normal(size=(hidden, width)).astype("f4") / np.sqrt(hidden)
    bias = random.normal(-0.8, 0.5, size=width).astype("f4")
    x = np.empty((rows, width), "f4")
    for start in range(0, rows, 1000):
        block = slice(start, min(start + 1000, rows))
        latent = 0.6 * centres[labels[block]] + random.normal(size=(block.stop - start, hidden))
        noise = random.normal(size=(block.stop - start, width)).astype("f4")
        x[block] = np.maximum(0, 1.5 * latent.astype("f4") @ mixing + 0.5 * noise + bias)
    return x, labels


def write_store(path, x, labels, layer="fc6"):
    """Writes a complete store of one layer, as `decaf extract` would."""
    path = pathlib.Path(path)
    path.mkdir(parents=True)
    names = [f"class {k:03}" for k in range(labels.max() + 1)]
    np.save(path / f"{layer}.npy", x)
    lines = [f"{i}\timages/{i}.jpg\t{names[k]}\tok\t" for i, k in enumerate(labels)]
    (path / "rows.tsv").write_text(
        "row\tpath\tlabel\tstatus\tmessage\n" + "".join(line + "\n" for line in lines))
    provenance = {
        "list": {"sha256": digest(b"synthetic"), "rows": len(x)},
        "model": {"architecture": "caffenet", "sha256": digest(b"none")},
        "transform": {"name": "none"}, "decode": "exact", "views": "center",
        "layers": [{"name": layer, "fileStem": layer, "shape": [x.shape[1]], "viewsPerRow": 1}],
        "dtype": str(x.dtype), "precision": "fp32", "kernelClass": "avx2", "arithmetic": 1,
    }
    compact = json.dumps(provenance, sort_keys=True, separators=(",", ":"))
    manifest = {
        "format": "decaf-store", "version": 1, "rowCount": len(x), "failedRowCount": 0,
        "overflowCount": 0, "classes": names,
        "layers": [{"name": layer, "width": x.shape[1], "dtype": str(x.dtype), "shards": [
            {"file": f"{layer}.npy", "sha256": digest((path / f"{layer}.npy").read_bytes())}]}],
        "rows": {"file": "rows.tsv", "sha256": digest((path / "rows.tsv").read_bytes())},
        "fingerprint": digest(compact.encode()), "provenance": provenance,
    }
    (path / "store.json").write_text(json.dumps(manifest, indent=2) + "\n")
