"""LIBLINEAR's dual coordinate descent, which uses one core; its effort is 1 / tolerance (`-e`).

`-s 1` is the squared hinge, `-s 7` logistic; both regularize the bias, as `decaf train --regularize-bias`
does. The primal solvers (`-s 2`, `-s 0`) solve the same problems many times more slowly.
"""
import importlib.metadata

import numpy as np
from liblinear.liblinear import problem
from liblinear.liblinearutil import train
from scipy import sparse

SOLVERS = {"squared-hinge": 1, "logistic": 7}


class Peer:
    start, limit, is_parallel = 10, 10**6, False

    def __init__(self, x, y, loss, C):
        self.options = f"-s {SOLVERS[loss]} -B 1 -c {C:.17g}"
        self.detail = f"LIBLINEAR {importlib.metadata.version('liblinear-official')}, {self.options}"
        self.detail += ", float64"
        # Made once, like decaf's store: what is timed is training.
        self.problem = problem(y.astype("f8"), sparse.csr_matrix(x.astype("f8")))
        self.classes = int(y.max()) + 1

    def fit(self, effort):
        model = train(self.problem, f"{self.options} -e {1 / effort:.9g} -q")
        values = np.ctypeslib.as_array(model.w, (self.problem.n * self.classes,))
        found = values.reshape(self.problem.n, self.classes).T
        weight = np.empty_like(found)
        weight[np.array(model.label[:self.classes])] = found  # In the order of first appearance.
        return weight[:, :-1], weight[:, -1]

    def is_finished(self, effort):
        return False

    def says(self, effort):
        return f"-e {1 / effort:.2g}"
