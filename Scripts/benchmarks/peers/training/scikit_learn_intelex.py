"""LogisticRegression of Intel's extension for scikit-learn, otherwise like scikit-learn's own."""
import importlib.metadata

from sklearnex.linear_model import LogisticRegression

from peers.training import scikit_learn


class Peer(scikit_learn.Peer):
    kind = LogisticRegression
    detail = (f"scikit-learn-intelex {importlib.metadata.version('scikit-learn-intelex')}, lbfgs, "
              "float32")
