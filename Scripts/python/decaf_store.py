"""Reads decaf's stores with NumPy alone: features, paths, labels, and which images failed.

    from decaf_store import Store
    store = Store("images.store")
    X, y = store.labelled("fc6")          # rows that are there and have a label
    X = store.features("fc6")             # every row; those of failed images are NaN
    store.paths, store.labels, store.ok   # of every row

As a program it trains scikit-learn's classifier on one store and tries it on another:

    python3 decaf_store.py train.store test.store fc6

Copy the file to wherever it is needed: it stands alone.
"""
import json
import pathlib
import sys

import numpy as np

ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def _decoded(field):
    """A field of rows.tsv without its escapes."""
    if "\\" not in field:
        return field
    parts = field.split("\\")
    text = parts[0]
    rest = iter(parts[1:])
    for part in rest:
        # Two backslashes are one: the part between them is empty.
        text += "\\" + next(rest) if part == "" else ESCAPES[part[0]] + part[1:]
    return text


class Store:
    """A complete store; nothing of the features is read before it is asked for."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        manifest = self.path / "store.json"
        if not manifest.exists():
            raise FileNotFoundError(
                f"{manifest}: expected a complete store; an extraction that stopped continues with the "
                "same command")
        self.manifest = json.loads(manifest.read_text(encoding="utf-8"))
        if (self.manifest["format"], self.manifest["version"]) != ("decaf-store", 1):
            raise ValueError(f"{manifest}: expected version 1 of decaf-store")
        # Bytes that are no UTF-8 come back as they were from os.fsencode(path).
        with open(self.path / "rows.tsv", encoding="utf-8", errors="surrogateescape",
                  newline="\n") as table:
            rows = [[_decoded(field) for field in line.rstrip("\n").split("\t")] for line in table][1:]
        #: One entry a row, in the order of the image list.
        self.paths = [row[1] for row in rows]
        self.labels = [row[2] for row in rows]
        self.messages = [row[4] for row in rows]
        #: Whether there are features; failed images have rows of NaN.
        self.ok = np.array([row[3] == "ok" for row in rows], bool)
        #: Names in class order, which decaf's own numbers follow.
        self.classes = self.manifest["classes"]

    def __len__(self):
        return len(self.paths)

    @property
    def layers(self):
        """Names of the layers."""
        return [layer["name"] for layer in self.manifest["layers"]]

    def _shards(self, layer):
        for entry in self.manifest["layers"]:
            if entry["name"] == layer:
                return [np.load(self.path / shard["file"], mmap_mode="r") for shard in entry["shards"]]
        raise KeyError(f"{self.path} has no layer {layer}; it has {', '.join(self.layers)}")

    def features(self, layer, rows=None):
        """Rows of a layer: all of them, as a map of the file where it is one, or those of `rows`."""
        shards = self._shards(layer)
        if rows is None:
            return shards[0] if len(shards) == 1 else np.concatenate(shards)
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        starts = np.cumsum([0] + [len(shard) for shard in shards])
        values = np.empty((len(rows), *shards[0].shape[1:]), shards[0].dtype)
        for start, shard in zip(starts, shards):
            inside = (rows >= start) & (rows < start + len(shard))
            values[inside] = shard[rows[inside] - start]
        return values

    def labelled(self, layer):
        """Features and labels of the rows that have both."""
        rows = np.array([ok and label != "" for ok, label in zip(self.ok, self.labels)], bool)
        return self.features(layer, rows), np.array(self.labels)[rows]


def main(train, test, layer):
    """The paper's classifier: rows of length 1, a linear SVM."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer
    from sklearn.svm import LinearSVC
    model = make_pipeline(Normalizer(), LinearSVC(C=1))
    model.fit(*Store(train).labelled(layer))
    print(f"accuracy {100 * model.score(*Store(test).labelled(layer)):.2f} %")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
