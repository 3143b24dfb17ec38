"""What classifiers minimize, written out for comparison."""
import numpy as np


def objective(loss, x, y, classes, weight, bias, C, regularize_bias):
    """The objectives of the design, in float64."""
    f = x @ weight.T + bias
    onehot = np.eye(classes)[y]
    if loss == "softmax":
        shifted = f - f.max(1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(1)) - (shifted * onehot).sum(1)
    else:
        margins = (2 * onehot - 1) * f
        losses = (np.logaddexp(0, -margins) if loss == "logistic"
                  else np.maximum(0, 1 - margins) ** 2)
    penalty = (weight ** 2).sum() + ((bias ** 2).sum() if regularize_bias else 0)
    return penalty / 2 + C * losses.sum()
