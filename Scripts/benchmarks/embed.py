"""t-SNE beside scikit-learn's and openTSNE's, on the same rows and cores: time and quality.

Beside the seconds stand trustworthiness (van der Maaten, 2009; 12 neighbours in 50 principal components, of
3,000 rows where there are more) and the share of 10 nearest neighbours on the plane that have the row's
label: medians over the rounds, each of which has a seed of its own. decaf's seconds are of the whole command,
reading and principal components included; the peers' are of their t-SNE alone.

    Scripts/bench embed [--store STORE --layer L] [--rows N ...] [--rounds N] [--threads N]

Without --store, rows are made up. More rows than the store has are mixes of two rows of one class. Each
number of rows is a part of its own: parts that are run alone renew theirs in the record of the same commit.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import machine
import table
from contestants import Contestant, alternate

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--store", type=pathlib.Path)
parser.add_argument("--layer", default="pool5")
parser.add_argument("--rows", type=int, nargs="*", default=[1000, 20000])
parser.add_argument("--rounds", type=int, default=3, help="runs of each, seeds 0, 1, … (default 3)")
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
table.add_options(parser)
options = parser.parse_args()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
# Before numpy is there; without what slows its OpenBLAS down.
os.environ.update(OMP_NUM_THREADS=str(options.threads), OPENBLAS_NUM_THREADS=str(options.threads))
for name in set(os.environ) - set(machine.environment()):
    del os.environ[name]

import numpy as np  # noqa: E402: after the number of threads is set
import openTSNE  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.manifold import TSNE, trustworthiness  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from stores import features, write_store  # noqa: E402

BIN = pathlib.Path(os.environ["DECAF_BIN"])


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
    """Trustworthiness, and agreement of labels."""
    part = np.random.default_rng(1).permutation(len(places))[:3000]
    near = NearestNeighbors(n_neighbors=11).fit(places).kneighbors(return_distance=False)[:, :10]
    return (trustworthiness(components[part], places[part], n_neighbors=12),
            (labels[near] == labels[:, None]).mean())


class Embedder(Contestant):
    """t-SNE of `components`, whose quality is measured after each run."""

    def __init__(self, name, detail, components, labels):
        super().__init__(name, detail)
        self.components, self.labels, self.found = components, labels, []

    def measure(self):
        start = time.perf_counter()
        places = self.places(seed=len(self.found))
        seconds = time.perf_counter() - start
        self.found.append(quality(self.components, places, self.labels))
        trust, agreement = (statistics.median(part) for part in zip(*self.found))
        self.check = f"trustworthiness {trust:.4f}, agreement {agreement:.4f}"
        return seconds


class Ours(Embedder):
    """`decaf embed` of the store that the components are of."""

    def __init__(self, store, components, labels):
        super().__init__("decaf", "whole command", components, labels)
        self.store = store

    def places(self, seed):
        output = self.store.parent / "places.npy"
        output.unlink(missing_ok=True)
        run = subprocess.run(
            [BIN / "decaf", "embed", self.store, "--rows", "1000000", "--seed", str(seed),
             "--threads", str(options.threads), "--output", output], capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"decaf embed failed:\n{run.stderr}")
        return np.load(output)


class ScikitLearn(Embedder):
    def __init__(self, components, labels):
        super().__init__("scikit-learn", "Barnes-Hut, start by PCA, else as it is", components, labels)

    def places(self, seed):
        return TSNE(
            init="pca", random_state=seed, n_jobs=options.threads).fit_transform(self.components)


class OpenTSNE(Embedder):
    def __init__(self, components, labels):
        super().__init__("openTSNE", "as it is", components, labels)

    def places(self, seed):
        return np.asarray(openTSNE.TSNE(
            random_state=seed, n_jobs=options.threads).fit(self.components))


def compare(count):
    x, labels = rows_of(count)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="decaf-bench-embed-"))
    try:
        write_store(folder / "store", x, labels)
        start = time.perf_counter()
        components = PCA(50, svd_solver="randomized", random_state=0).fit_transform(x)
        seconds = time.perf_counter() - start
        contestants = [Ours(folder / "store", components, labels),
                       ScikitLearn(components, labels), OpenTSNE(components, labels)]
        alternate(contestants, options.rounds, warm_up=False)  # Or each part would take hours.
    finally:
        shutil.rmtree(folder)
    results.row(f"{count}×{x.shape[1]}", contestants)
    results.note(f"{count}×{x.shape[1]}: scikit-learn's 50 components, which the peers' seconds do not "
                 f"have, took {seconds:.1f} s")


results = table.Table(
    "embed", options, f"t-SNE, {options.threads} threads, rows of "
    f"{options.layer + ' of ' + options.store.name if options.store else 'made-up features'}: seconds. "
    "Medians; the last number is how many times decaf's speed is theirs.")
for count in options.rows:
    compare(count)
results.finish()
