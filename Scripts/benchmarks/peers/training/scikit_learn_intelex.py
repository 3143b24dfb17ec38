"""LogisticRegression of Intel's extension for scikit-learn, otherwise like scikit-learn's own."""
import importlib.metadata

import daal4py
from sklearnex.linear_model import LogisticRegression

from peers.training import scikit_learn


class Peer(scikit_learn.Peer):
    kind = LogisticRegression
    detail = (f"scikit-learn-intelex {importlib.metadata.version('scikit-learn-intelex')}, lbfgs, "
              "float32")

    def use(self, threads):
        super().use(threads)
        daal4py.daalinit(threads)
