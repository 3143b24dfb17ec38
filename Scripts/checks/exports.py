"""Exports of a store, read by the libraries they are for: the same numbers, labels and paths."""
import json
import pathlib

import numpy as np
import safetensors.numpy
import scipy.io
from safetensors import safe_open

from common import decaf, expect, finish, rows, scratch, write_list

with scratch() as folder:
    folder = pathlib.Path(folder)
    random = np.random.default_rng(4)
    features = random.standard_normal((37, 5)).astype(np.float32)
    features[3] = np.nan
    np.save(folder / "x.npy", features)
    labels = [f"{'é b' if i % 2 else 'a'}" for i in range(37)]
    write_list(folder / "list.tsv", [(f"images/{i}.jpg", label) for i, label in enumerate(labels)])
    store = folder / "x.store"
    decaf("import", folder / "x.npy", "--list", folder / "list.tsv", "--layer", "fc6",
          "--output", store)
    table = [row for row in rows(store) if row["status"] == "ok"]
    kept = [int(row["row"]) for row in table]
    expected = features[kept]
    paths, labels = [row["path"] for row in table], [row["label"] for row in table]
    for kind in ("mat", "npz", "safetensors"):
        decaf("export", store, "--format", kind, "--layer", "fc6", "--output", folder / f"x.{kind}")

    mat = scipy.io.loadmat(folder / "x.mat", chars_as_strings=True)
    same = np.array_equal(mat["features"], expected) and mat["features"].dtype == np.float32
    expect(same, "mat: features")
    names = [str(cell[0][0]) for cell in mat["classes"]]
    expect([names[i - 1] for i in mat["labels"].ravel()] == labels, "mat: labels")
    expect([str(cell[0][0]) for cell in mat["paths"]] == paths, "mat: paths")
    expect(mat["rows"].ravel().tolist() == kept, "mat: rows")

    npz = np.load(folder / "x.npz")
    expect(np.array_equal(npz["features"], expected), "npz: features")
    expect(npz["labels"].tolist() == labels, "npz: labels")
    expect(npz["paths"].tolist() == paths, "npz: paths")
    expect(npz["rows"].tolist() == kept, "npz: rows")

    tensors = safetensors.numpy.load_file(folder / "x.safetensors")
    expect(np.array_equal(tensors["features"], expected), "safetensors: features")
    with safe_open(folder / "x.safetensors", "np") as file:
        names = json.loads(file.metadata()["classes"])
    expect([names[i] for i in tensors["labels"]] == labels, "safetensors: labels")
    expect(tensors["rows"].tolist() == kept, "safetensors: rows")
finish()
