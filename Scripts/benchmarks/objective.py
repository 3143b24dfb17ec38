"""What trainers minimize, written out in float64."""
import numpy as np


def objective(loss, x, y, weight, bias, C, regularizes_bias, block=1000):
    """½‖W‖² + C Σ loss, rows block by block; losses are those of `decaf train --loss`.

    W: classes × features."""
    total = 0.0
    weight, bias = weight.astype("f8"), bias.astype("f8")
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
    return float(penalty / 2 + C * total)
