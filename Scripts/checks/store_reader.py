"""Scripts/python/decaf_store.py against stores of every form: shards, failed rows, names with escapes."""
import pathlib
import subprocess
import sys

import numpy as np

from common import decaf, expect, finish, scratch, write_list

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import decaf_store  # noqa: E402

with scratch() as folder:
    folder = pathlib.Path(folder)
    features = np.random.default_rng(2).standard_normal((41, 6)).astype(np.float32)
    features[[4, 17]] = np.nan
    np.save(folder / "x.npy", features)
    labels = [["NA", "b c", "é"][i % 3] for i in range(41)]
    # Names that need no escape in a .tsv list, and one that does in rows.tsv.
    paths = [f"images/{i}.jpg" for i in range(41)]
    paths[5] = r"back\slash\\n.jpg"
    write_list(folder / "list.tsv", list(zip(paths, labels)))
    for options in [], ["--rows-per-shard", "10"], ["--dtype", "float16"]:
        path = folder / f"{len(options)}{options[:1]}.store"
        whole = folder / f"{path.name}.whole"
        shards = options if "--rows-per-shard" in options else []
        decaf("import", folder / "x.npy", "--list", folder / "list.tsv", "--layer", "fc6", "--output",
              whole, *([] if shards else options))
        decaf("merge", whole, "--output", path, *shards)
        store = decaf_store.Store(path)
        wanted = features.astype(np.float16) if "float16" in options else features
        expect(len(store) == 41 and store.layers == ["fc6"], f"{options}: size")
        expect(store.paths == paths and store.labels == labels, f"{options}: names")
        expect(sorted(store.classes) == sorted(set(labels)), f"{options}: classes")
        expect(np.flatnonzero(~store.ok).tolist() == [4, 17], f"{options}: failed rows")
        expect(np.array_equal(store.features("fc6"), wanted, equal_nan=True), f"{options}: features")
        picked = [40, 3, 12, 3]
        expect(np.array_equal(store.features("fc6", picked), wanted[picked]), f"{options}: some rows")
        X, y = store.labelled("fc6")
        expect(np.array_equal(X, wanted[store.ok]), f"{options}: labelled rows")
        expect(y.tolist() == [label for label, ok in zip(labels, store.ok) if ok], f"{options}: y")
    try:
        store.features("fc7")
        expect(False, "a layer that is not there")
    except KeyError as error:
        expect("it has fc6" in str(error), "the error names the layers")
    # As a program: scikit-learn's classifier on one store, tried on another.
    text = subprocess.run([sys.executable, decaf_store.__file__, path, path, "fc6"], check=True,
                          capture_output=True, text=True).stdout
    expect(text.startswith("accuracy "), f"the program printed {text}")
    (path / "store.json").unlink()
    try:
        decaf_store.Store(path)
        expect(False, "an incomplete store")
    except FileNotFoundError as error:
        expect("complete" in str(error), "the error says what is missing")
finish()
