"""Objectives of trained classifiers against scikit-learn's optima, and files other tools read."""
import json
import pathlib
import warnings

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from common import DATA, decaf, expect, finish, rows, scratch, write_list
from losses import objective

MODEL = DATA / "caffenet_conv" / "caffenet_conv1to5_sparse.caffemodel"


def optimum(loss, x, y, C, regularize_bias):
    """scikit-learn's solution of the same problem."""
    warnings.simplefilter("ignore")
    classes = y.max() + 1
    if loss == "softmax":
        peer = LogisticRegression(C=C, tol=1e-10, max_iter=20000).fit(x, y)
        return peer.coef_, peer.intercept_
    if loss == "logistic":
        parts = [LogisticRegression(C=C, tol=1e-10, max_iter=20000).fit(x, y == k)
                 for k in range(classes)]
    else:
        parts = [LinearSVC(C=C, loss="squared_hinge", dual=False, tol=1e-10, max_iter=100000,
                           intercept_scaling=1).fit(x, y == k) for k in range(classes)]
    return np.vstack([p.coef_ for p in parts]), np.concatenate([p.intercept_ for p in parts])


with scratch() as name:
    folder = pathlib.Path(name)
    images = folder / "images.tsv"
    paths = sorted((DATA / "office_caltech10" / "images" / "dslr").glob("*/*.jpg"))
    write_list(images, [(path, path.parent.name) for path in paths])
    store = folder / "store"
    decaf("extract", images, "--model", MODEL, "--architecture", "caffenet", "--layers", "pool5",
          "--output", store)
    mapped = np.load(store / "pool5.npy", mmap_mode="r")
    labels = [row["label"] for row in rows(store)]
    y = np.unique(labels, return_inverse=True)[1]
    print(f"  numpy.load(…, mmap_mode='r'): {mapped.shape} {mapped.dtype}")
    expect(mapped.shape == (len(paths), 9216) and mapped.dtype == np.float32, "pool5.npy's shape")

    print("  loss           C      bias         decaf     scikit-learn   difference     gap")
    for loss, C, regularize_bias in [
            ("softmax", 1, False), ("softmax", 100, False), ("logistic", 1, False),
            ("squared-hinge", 1, True), ("squared-hinge", 0.01, True)]:
        output = folder / "classifier.safetensors"
        options = ["--regularize-bias"] if regularize_bias else []
        decaf("train", store, "--layer", "pool5", "--loss", loss, "--C", C, "--normalize", "l2",
              "--output", output, "--overwrite", *options, ranks=2)
        tensors = load_file(output)
        with safe_open(output, "np") as file:
            gap = json.loads(file.metadata()["certificate"])["relative_gap"]
        x = np.asarray(mapped, "f8")
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        ours = objective(loss, x, y, 10, tensors["weight"].astype("f8"),
                         tensors["bias"].astype("f8"), C, regularize_bias)
        theirs = objective(loss, x, y, 10, *optimum(loss, x, y, C, regularize_bias), C,
                           regularize_bias)
        difference = ours / theirs - 1
        print(f"  {loss:13}  {C:<5}  {'regularized' if regularize_bias else 'free':11} "
              f"{ours:11.6f}  {theirs:13.6f}  {difference:11.1e}  {gap:.1e}")
        expect(difference <= 1e-6, f"{loss}, C = {C}: {difference:.1e} above scikit-learn")
finish()
