"""scikit-learn's LogisticRegression by L-BFGS in single precision; its effort is the number of steps."""
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
        self.x, self.y, self.C = x, y, C

    def use(self, threads):
        self.limits = threadpool_limits(threads)

    def fit(self, effort):
        self.model = self.kind(C=self.C, tol=1e-14, max_iter=effort).fit(self.x, self.y)
        return self.model.coef_, self.model.intercept_

    def is_finished(self, effort):
        """Whether it stopped by itself, so that more steps would be the same."""
        return self.model.n_iter_.max() < effort

    def says(self, effort):
        return f"{effort} steps"
