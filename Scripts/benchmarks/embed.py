"""t-SNE beside scikit-learn's and openTSNE's, on the same rows and cores: time and quality.

Trustworthiness (12 neighbours in 50 principal components) and the share of 10 nearest neighbours that have
the row's label are medians over seeds; times too. decaf's seconds are of the whole command, reading and
principal components included; the peers' are of their t-SNE and, apart, of scikit-learn's components.

    Scripts/bench embed [--store STORE --layer L] [--rows N ...] [--seeds N] [--threads N]

Without --store, rows are made up. More rows than the store has are mixes of rows of one class.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from stores import features, write_store

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--store", type=pathlib.Path)
parser.add_argument("--layer", default="pool5")
parser.add_argument("--rows", type=int, nargs="*", default=[1000, 20000])
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)

import openTSNE  # noqa: E402: after the number of threads is set
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.manifold import TSNE, trustworthiness  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402


def rows_of(count):
    """`count` rows and their labels."""
    if options.store is None:
        return features(count, 9216, 20)
    x = np.load(options.store / f"{options.layer}.npy").astype("f4")
    lines = (options.store / "rows.tsv").read_text().splitlines()[1:]
    names = [line.split("\t")[2] for line in lines]
    labels = np.array([sorted(set(names)).index(name) for name in names])
    if count <= len(x):
        chosen = np.arange(count) * len(x) // count
        return x[chosen], labels[chosen]
    random = np.random.default_rng(0)
    first = random.integers(len(x), size=count)
    second = np.array([random.choice(np.flatnonzero(labels == label)) for label in labels[first]])
    share = random.uniform(0.5, 1, size=(count, 1)).astype("f4")
    return share * x[first] + (1 - share) * x[second], labels[first]


def quality(components, places, labels):
    """Trustworthiness, of 3,000 rows where there are more, and agreement of labels."""
    part = np.random.default_rng(1).permutation(len(places))[:3000]
    near = NearestNeighbors(n_neighbors=11).fit(places).kneighbors(return_distance=False)[:, 1:]
    return (trustworthiness(components[part], places[part], n_neighbors=12),
            (labels[near] == labels[:, None]).mean())


def ours(store, seed):
    output = store.parent / "places.npy"
    output.unlink(missing_ok=True)
    run = subprocess.run(
        [pathlib.Path(os.environ["DECAF_BIN"]) / "decaf", "embed", store, "--rows", "1000000", "--seed",
         str(seed), "--threads", str(options.threads), "--output", output], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"decaf embed failed:\n{run.stderr}")
    return np.load(output)


def compare(count):
    x, labels = rows_of(count)
    with tempfile.TemporaryDirectory(prefix="decaf-bench-embed-") as folder:
        store = pathlib.Path(folder) / "store"
        write_store(store, x, labels)
        start = time.perf_counter()
        components = PCA(50, svd_solver="randomized", random_state=0).fit_transform(x)
        seconds = time.perf_counter() - start
        contestants = {
            "decaf, whole command": lambda seed: ours(store, seed),
            "scikit-learn": lambda seed: TSNE(
                init="pca", random_state=seed, n_jobs=options.threads).fit_transform(components),
            "openTSNE": lambda seed: np.asarray(openTSNE.TSNE(
                random_state=seed, n_jobs=options.threads).fit(components)),
        }
        found = {name: [] for name in contestants}
        for seed in range(options.seeds):  # alternated, so that what else runs meets all
            for name, run in contestants.items():
                start = time.perf_counter()
                places = run(seed)
                found[name].append(
                    (time.perf_counter() - start, *quality(components, places, labels)))
    print(f"\n{count} rows × {x.shape[1]}, {options.threads} threads; "
          f"scikit-learn's 50 components apart: {seconds:.1f} s")
    for name, results in found.items():
        times, trust, agreement = (statistics.median(part) for part in zip(*results))
        print(f"  {name:22} {times:8.2f} s   trustworthiness {trust:.4f}   agreement {agreement:.4f}")


for count in options.rows:
    compare(count)
