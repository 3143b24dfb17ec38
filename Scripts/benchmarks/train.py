"""Training times beside scikit-learn's and LIBLINEAR's, on the same rows, objective and cores.

Both sides are stopped at the same certified gap: decaf certifies its own; a peer's is its objective
against decaf's lower bound. Where a peer stops getting better before, its best counts. Reading is
left out of the peers' times and in decaf's. Prints the median and the spread of alternating runs.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stores import features, write_store  # noqa: E402

PROBLEMS = [
    # rows, features, classes, loss, C, normalization, ratio aimed at
    (20000, 4096, 100, "softmax", 1e-3, "none", 4),
    (3060, 4096, 102, "softmax", 1e-2, "none", 4),
    (1000, 9216, 20, "softmax", 1, "l2", 6),
    (3060, 4096, 102, "squared-hinge", 1e-2, "none", 10),
    (1000, 9216, 20, "squared-hinge", 1, "l2", 10),
    (20000, 4096, 100, "squared-hinge", 1e-3, "none", 6),
    (1000, 9216, 20, "logistic", 1, "l2", None),
]
GAP = 1e-6


def objective(loss, x, y, weight, bias, C, regularizes_bias, block=1000):
    """The objective in float64, rows block by block."""
    total = 0.0
    for start in range(0, len(x), block):
        f = x[start:start + block].astype("f8") @ weight.T + bias
        own = y[start:start + block]
        if loss == "softmax":
            top = f.max(1, keepdims=True)
            total += (np.log(np.exp(f - top).sum(1)) + top[:, 0] - f[np.arange(len(f)), own]).sum()
        else:
            sign = -np.ones_like(f)
            sign[np.arange(len(f)), own] = 1
            margin = sign * f
            total += (np.logaddexp(0, -margin) if loss == "logistic"
                      else np.maximum(0, 1 - margin) ** 2).sum()
    penalty = (weight ** 2).sum() + ((bias ** 2).sum() if regularizes_bias else 0)
    return penalty / 2 + C * total


class Ours:
    def __init__(self, decaf, store, folder, loss, C, normalization, regularizes_bias, threads):
        self.output = folder / "classifier.safetensors"
        self.command = [decaf, "train", store, "--layer", "fc6", "--loss", loss, "--C", str(C),
                        "--normalize", normalization, "--tolerance", str(GAP), "--output",
                        self.output, "--threads", str(threads)]
        if regularizes_bias:
            self.command.append("--regularize-bias")

    def run(self):
        start = time.perf_counter()
        run = subprocess.run(list(map(str, self.command)), capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if run.returncode:
            sys.exit(f"decaf train failed:\n{run.stderr}")
        size = int.from_bytes(self.output.read_bytes()[:8], "little")
        header = json.loads(self.output.read_bytes()[8:8 + size])["__metadata__"]
        certificate = json.loads(header["certificate"])
        self.value, self.gap = float(header["objective"]), certificate["relative_gap"]
        self.bound = self.value - certificate["gap"]
        return seconds


class ScikitLearn:
    """LogisticRegression by L-BFGS in single precision, stopped after as many steps as it needs."""

    def __init__(self, x, y, loss, C):
        from sklearn.linear_model import LogisticRegression
        self.x, self.y, self.C, self.kind = x, y, C, LogisticRegression

    def fit(self, steps):
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        self.model = self.kind(C=self.C, tol=1e-14, max_iter=steps).fit(self.x, self.y)
        return time.perf_counter() - start

    def prepare(self, bound):
        """Finds the fewest steps, by ratios of about 1.3, that reach the gap; or the best there is."""
        steps, best, self.steps = 10, np.inf, 10
        while True:
            self.fit(steps)
            value = objective("softmax", self.x, self.y, self.model.coef_.astype("f8"),
                              self.model.intercept_.astype("f8"), self.C, False)
            gap = (value - bound) / value
            if gap < best * 0.98:
                best, self.steps = gap, steps
            if gap <= GAP or self.model.n_iter_.max() < steps or gap > best * 0.98 + 1e-12 and \
                    steps > 4 * self.steps or steps > 2000:
                self.gap = best
                return
            steps = int(steps * 1.3) + 1

    def run(self):
        return self.fit(self.steps)


class Liblinear:
    """liblinear-train with a bias feature; its lines tell when reading ended and training did."""

    def __init__(self, folder, x, y, loss, C, classes_timed):
        self.path, self.model = folder / "rows.svm", folder / "model"
        self.x, self.y, self.loss, self.C = x, y, loss, C
        self.solver = {"squared-hinge": 2, "logistic": 0}[loss]
        self.classes = int(y.max()) + 1
        self.timed = min(classes_timed, self.classes)
        if not self.path.exists():
            with open(self.path, "w") as file:
                for row, label in zip(x, y):
                    used = np.flatnonzero(row)
                    file.write(f"{label} " + " ".join(f"{j + 1}:{row[j]:.9g}" for j in used) + "\n")

    def fit(self, tolerance):
        command = ["liblinear-train", "-s", str(self.solver), "-B", "1", "-c", str(self.C), "-e",
                   str(tolerance), str(self.path), str(self.model)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first = last = None
        done = 0
        for line in process.stdout:
            now = time.perf_counter()
            if first is None:
                first = now
            if "iter  1 " in line or line.startswith("iter 1 "):
                if done == self.timed and self.timed < self.classes:
                    process.kill()
                    break
                done += 1
            last = now
        process.wait()
        return (last - first) * self.classes / max(done, 1)

    def prepare(self, bound):
        if self.timed < self.classes:
            self.tolerance, self.gap = 1e-3, float("nan")
            return
        best = np.inf
        for tolerance in (1e-2, 1e-3, 1e-4, 1e-5):
            self.fit(tolerance)
            text = self.model.read_text().split("\nw\n")
            order = re.search(r"^label (.*)$", text[0], re.M)[1].split()
            found = np.array([line.split() for line in text[1].splitlines()], "f8")
            weight = np.empty((self.classes, found.shape[0]))
            weight[np.array(order, int)] = found.T
            value = objective(self.loss, self.x, self.y, weight[:, :-1], weight[:, -1], self.C, True)
            gap = (value - bound) / value
            if gap < best:
                best, self.tolerance = gap, tolerance
            if gap <= GAP:
                break
        self.gap = best

    def run(self):
        return self.fit(self.tolerance)


def ranks(decaf, store, runs):
    """What a second rank brings: the time that training itself says it took."""
    print(f"two ranks and one, a thread each, {runs} runs")
    for loss in "softmax", "squared-hinge":
        times = {1: [], 2: []}
        for _ in range(runs):
            for count in times:
                command = ["mpirun", "--oversubscribe", "-np", count, decaf, "train", store, "--layer",
                           "fc6", "--loss", loss, "--C", 1e-3, "--tolerance", GAP, "--output",
                           store.parent / "classifier.safetensors", "--threads", 1]
                run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
                if run.returncode:
                    sys.exit(f"decaf train failed:\n{run.stderr}")
                times[count].append(float(re.search(r"^work .* ([0-9.]+) s$", run.stdout, re.M)[1]))
        ratio = statistics.median(times[1]) / statistics.median(times[2])
        print(f"{loss:32} one {spread(times[1])}   two {spread(times[2])}   ratio {ratio:5.2f} "
              "(aim 1.8)", flush=True)


def spread(times):
    return f"{statistics.median(times):7.2f} s ({min(times):.2f}–{max(times):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decaf", default=".build/release/decaf")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default="", help="problems whose name contains this; ranks: two ranks beside one")
    parser.add_argument("--classes", type=int, default=10**6,
                        help="time LIBLINEAR on so many classes and extrapolate")
    arguments = parser.parse_args()
    decaf = pathlib.Path(arguments.decaf).resolve()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.threads])
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(variable, None)
    print(f"{arguments.threads} threads, {arguments.runs} runs each, gap {GAP}; reading left out of "
          "the peers' times only")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="decaf-bench-train-"))
    try:
        for rows, width, classes, loss, C, normalization, aim in PROBLEMS:
            name = f"{loss} {rows}×{width}×{classes}"
            if arguments.only not in name:
                continue
            if loss != "softmax" and not shutil.which("liblinear-train"):
                print(f"{name:32} left out: no liblinear-train here")
                continue
            place = folder / f"{rows}"
            x, y = features(rows, width, classes)
            if not place.exists():
                place.mkdir()
                write_store(place / "store", x, y)
            if normalization == "l2":
                x = x / np.linalg.norm(x, axis=1, keepdims=True)
            regularizes_bias = loss != "softmax"
            ours = Ours(decaf, place / "store", place, loss, C, normalization, regularizes_bias,
                        arguments.threads)
            ours.run()
            # Correctness first: the stored numbers are what the certificate says.
            peer = (ScikitLearn(x, y, loss, C) if loss == "softmax"
                    else Liblinear(place, x, y, loss, C, arguments.classes))
            peer.prepare(ours.bound)
            if peer.gap < -1e-9:
                sys.exit(f"{name}: the peer is below decaf's lower bound by {-peer.gap:.1e}")
            pairs = [(ours.run(), peer.run()) for _ in range(arguments.runs)]
            mine, theirs = zip(*pairs)
            ratio = statistics.median(theirs) / statistics.median(mine)
            print(f"{name:32} decaf {spread(mine)} gap {ours.gap:.1e}   "
                  f"{type(peer).__name__} {spread(theirs)} gap {peer.gap:.1e}   "
                  f"ratio {ratio:5.1f}" + (f" (aim {aim})" if aim else "")
                  + ("" if peer.gap <= GAP else f", at least: the peer gets no nearer than "
                     f"{peer.gap:.0e}" if peer.gap > GAP else ", the peer's gap is not known"),
                  flush=True)
        if arguments.only in "ranks":
            place = folder / "20000"
            if not place.exists():
                place.mkdir()
                write_store(place / "store", *features(20000, 4096, 100))
            ranks(decaf, place / "store", arguments.runs)
    finally:
        shutil.rmtree(folder)


main()
