"""scikit-learn's LogisticRegression by L-BFGS in single precision; its effort is the number of steps."""
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits


class Peer:
    start, limit, is_parallel = 30, 4000, True
    kind = LogisticRegression
    detail = f"scikit-learn {sklearn.__version__}, lbfgs, float32"

    def __init__(self, x, y, loss, C):
        if loss != "softmax":
            raise ValueError(f"{loss}: only softmax is compared here")
        # Of two classes it has one vector w: with ∓w/2 for both, that is softmax with half of its C.
        self.is_binomial = y.max() == 1
        self.x, self.y, self.C = x, y, 2 * C if self.is_binomial else C

    def use(self, threads):
        self.limits = threadpool_limits(threads)

    def fit(self, effort):
        self.model = self.kind(C=self.C, tol=1e-14, max_iter=effort).fit(self.x, self.y)
        weight, bias = self.model.coef_, self.model.intercept_
        if self.is_binomial:
            return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        return weight, bias

    def is_finished(self, effort):
        """Whether it stopped by itself, so that more steps would be the same."""
        return self.model.n_iter_.max() < effort

    def says(self, effort):
        return f"{effort} steps"
