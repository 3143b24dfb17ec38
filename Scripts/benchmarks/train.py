"""Training times beside LIBLINEAR's, scikit-learn's and torch's, on the same rows, objective and cores.

Everybody is stopped at the same certified gap: decaf certifies its own; a peer's is its objective, computed
here in float64, against decaf's lower bound. Where a peer stops getting better before, its best counts, and
the row says which gap that is. decaf's seconds are of the whole command, start and reading included; the
peers' are of training alone. LIBLINEAR uses one core: decaf with one thread stands beside it.

    Scripts/bench train [--rounds N] [--only TEXT] [--tiny]
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
from safetensors import safe_open

import machine
import table
from contestants import Contestant, Served, alternate
from objective import objective
from stores import features, write_store

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["DECAF_BIN"])
PROBLEMS = [
    # rows, features, classes, loss, C, normalization
    (20000, 4096, 100, "softmax", 1e-3, "none"),
    (3060, 4096, 102, "softmax", 1e-2, "none"),
    (1000, 9216, 20, "softmax", 1, "l2"),
    (5000, 4096, 2, "softmax", 1e-2, "none"),
    (100000, 1024, 10, "softmax", 1e-3, "none"),
    (20000, 4096, 100, "squared-hinge", 1e-3, "none"),
    (3060, 4096, 102, "squared-hinge", 1e-2, "none"),
    (1000, 9216, 20, "squared-hinge", 1, "l2"),
    (4000, 512, 10, "squared-hinge", 1000, "none"),
    (1000, 9216, 20, "logistic", 1, "l2"),
]
# LIBLINEAR has one core in any case.
ON_ONE_CORE = PROBLEMS[1:4]
PEERS = {
    "softmax": ["scikit_learn", "scikit_learn_intelex", "torch_lbfgs"],
    "squared-hinge": ["liblinear"], "logistic": ["liblinear"],
}
NAMES = {"scikit_learn": "scikit-learn", "scikit_learn_intelex": "scikit-learn-intelex",
         "torch_lbfgs": "torch L-BFGS", "liblinear": "LIBLINEAR dual"}
GAP = 1e-6


class Ours(Contestant):
    """`decaf train` of a store's fc6."""

    def __init__(self, store, loss, C, normalization, threads):
        super().__init__(f"decaf, {threads} thread{'s' * (threads > 1)}",
                         "whole command, start and reading included")
        self.output = store.parent / f"classifier-{threads}.safetensors"
        self.command = [BIN / "decaf", "train", store, "--layer", "fc6", "--loss", loss, "--C", C,
                        "--normalize", normalization, "--tolerance", GAP, "--output", self.output,
                        "--threads", threads, "--overwrite"]  # or the second run would find it done
        if loss != "softmax":
            self.command.append("--regularize-bias")

    def measure(self):
        start = time.perf_counter()
        run = subprocess.run([*map(str, self.command)], capture_output=True, text=True,
                             env=machine.environment())
        seconds = time.perf_counter() - start
        if run.returncode:
            sys.exit(f"decaf train failed:\n{run.stderr}")
        return seconds

    def verify(self, loss, x, y, C):
        """The lower bound that it certifies, once its weights have the objective that it states."""
        self.measure()
        with safe_open(self.output, "np") as file:
            weight, bias = file.get_tensor("weight"), file.get_tensor("bias")
            stated = float(file.metadata()["objective"])
            certificate = json.loads(file.metadata()["certificate"])
        value = objective(loss, x, y, weight, bias, C, loss != "softmax")
        error = abs(value - stated) / stated
        # The classifier has its weights in float32, the certificate is of the float64 ones.
        if not error <= GAP:
            sys.exit(f"decaf states an objective of {stated}, its weights have {value}")
        self.check = f"gap {certificate['relative_gap']:.1e}, objective off by {error:.0e}"
        return stated - certificate["gap"]


def peer(kind, rows, loss, C, threads, bound):
    """The peer with the effort that it needs, or None where it does not run."""
    command = [sys.executable, HERE / "training_peer.py", kind, rows, loss, C, threads, bound, GAP]
    cores = sorted(os.sched_getaffinity(0))[:threads]
    try:
        found = Served(NAMES[kind], command, environment={"OMP_NUM_THREADS": threads}, cores=cores)
    except RuntimeError as error:
        results.leave_out(NAMES[kind], error)
        return None
    answer = json.loads(found.detail)
    if answer["gap"] < -1e-9:
        sys.exit(f"{found.name} is below decaf's lower bound by {-answer['gap']:.1e}")
    found.detail, found.check = answer["detail"], f"gap {answer['gap']:.1e}"
    if answer["gap"] > GAP:
        found.check += ", gets no nearer"
    return found


def place_of(rows, width, classes, normalization):
    """A folder with a store of these rows, and `rows.npz` for the peers: normalized like decaf's."""
    place = folder / f"{rows}-{normalization}"
    if not place.exists():
        place.mkdir()
        x, y = features(rows, width, classes)
        write_store(place / "store", x, y)
        if normalization == "l2":
            x = x / np.linalg.norm(x, axis=1, keepdims=True)
        np.savez(place / "rows.npz", x=x, y=y)
    return place


def compare(rows, width, classes, loss, C, normalization, threads):
    """Checks and times a problem."""
    title = f"{loss} {rows}×{width}×{classes}, C {C:g}"
    if threads < options.threads:
        title = f"one core: {title}"
    if options.only not in title:
        return
    place = place_of(rows, width, classes, normalization)
    data = np.load(place / "rows.npz")
    ours = Ours(place / "store", loss, C, normalization, threads)
    bound = ours.verify(loss, data["x"], data["y"], C)
    contestants = [ours]
    if loss != "softmax" and threads > 1:
        contestants.append(Ours(place / "store", loss, C, normalization, 1))
        contestants[1].verify(loss, data["x"], data["y"], C)
    contestants += filter(None, (peer(kind, place / "rows.npz", loss, C, threads, bound)
                                 for kind in PEERS[loss]))
    alternate(contestants, options.rounds, warm_up=False)  # The checks did.
    results.row(title, contestants)
    for contestant in contestants:
        contestant.close()


class Ranks(Contestant):
    """decaf on `count` ranks of one thread: the time that training itself says it took."""

    def __init__(self, store, loss, count):
        super().__init__(f"decaf, {count} rank{'s' * (count > 1)}", "a thread each, training alone")
        self.command = ["mpirun", "--oversubscribe", "-np", count, BIN / "decaf", "train", store,
                        "--layer", "fc6", "--loss", loss, "--C", 1e-3, "--tolerance", GAP, "--output",
                        store.parent / "classifier.safetensors", "--threads", 1, "--overwrite"]

    def measure(self):
        run = subprocess.run([*map(str, self.command)], capture_output=True, text=True,
                             env=machine.environment())
        if run.returncode:
            sys.exit(f"decaf train failed:\n{run.stderr}")
        return float(re.search(r"^work .* ([0-9.]+) s$", run.stdout, re.M)[1])


def ranks(rows, width, classes):
    """What a second rank brings."""
    store = place_of(rows, width, classes, "none") / "store"
    for loss in "softmax", "squared-hinge":
        contestants = [Ranks(store, loss, 2), Ranks(store, loss, 1)]
        alternate(contestants, options.rounds, warm_up=False)
        results.row(f"ranks: {loss} {rows}×{width}×{classes}", contestants)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--rounds", type=int, default=3, help="timed runs of each (default 3)")
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--only", default="", help="problems whose name contains this; ranks: two beside one")
parser.add_argument("--tiny", action="store_true", help="problems that take seconds, for trying it out")
table.add_options(parser)
options = parser.parse_args()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
if options.tiny:
    PROBLEMS = [(300, 256, 5, *problem[3:]) for problem in PROBLEMS[2:]]
results = table.Table(
    "train", options, f"Linear classifiers to a relative gap of {GAP}, {options.threads} threads; peers "
    "without start and reading, decaf with both. Medians; the last number is how many times decaf's "
    "speed is theirs.", is_trial=options.tiny)
folder = pathlib.Path(tempfile.mkdtemp(prefix="decaf-bench-train-"))
try:
    for problem in PROBLEMS:
        compare(*problem, options.threads)
    if options.threads > 1 and not options.tiny:
        for problem in ON_ONE_CORE:
            compare(*problem, 1)
    if options.only in "ranks" and not options.tiny:  # decaf tells tenths of a second.
        ranks(*PROBLEMS[0][:3])
finally:
    shutil.rmtree(folder)
results.finish()
