internal import Foundation

/// What a linear classifier pays for its logits `f = W·x + b`.
///
/// | case | loss of a row with class y |
/// |---|---|
/// | `softmax` | `log Σ_k exp(f_k) − f_y` |
/// | `logistic` | `Σ_k log(1 + exp(−y_k·f_k))` |
/// | `squaredHinge` | `Σ_k max(0, 1 − y_k·f_k)²` |
///
/// with `y_k = 1` for the row's class and −1 for the others. The last two are sums of problems of
/// one class each (one-vs-rest), which share only the matrix products.
package enum Loss: String, Codable, Sendable, CaseIterable {
  case softmax, logistic
  case squaredHinge = "squared-hinge"

  /// Whether the classes are problems of their own.
  var isSeparable: Bool { self != .softmax }

  /// Loss, residual `r = ∂loss/∂f` and curvature `∂²loss/∂f²` of one row and one class.
  ///
  /// - Parameters:
  ///   - logit: `f_k`.
  ///   - isPositive: whether this is the row's class.
  /// - Precondition: the loss is separable.
  @inline(__always)
  func term(logit: Double, isPositive: Bool) -> (loss: Double, residual: Double, curvature: Double)
  {
    let sign: Double = isPositive ? 1 : -1
    let margin = sign * logit
    if self == .squaredHinge {
      let slack = max(0, 1 - margin)
      return (slack * slack, -2 * sign * slack, slack > 0 ? 2 : 0)
    }
    let decay = exp(-abs(margin))  // never overflows
    let other = decay / (1 + decay)
    let probability = margin >= 0 ? other : 1 / (1 + decay)  // of the wrong side
    return (
      log1p(decay) + max(0, -margin), -sign * probability, decay / ((1 + decay) * (1 + decay))
    )
  }

  /// Replaces logits by the probabilities of the classes, in place.
  ///
  /// - Returns: the softmax loss of a row of class `label`.
  @inline(__always)
  static func softmax(_ row: inout [Double], label: Int) -> Double {
    var top = 0
    for k in row.indices where row[k] > row[top] { top = k }
    let highest = row[top]
    let margin = highest - row[label]
    var others = 0.0  // the top one adds exactly 1: kept apart, it cannot hide the small ones
    for k in row.indices {
      let value = exp(row[k] - highest)
      row[k] = value
      if k != top { others += value }
    }
    let inverse = 1 / (1 + others)
    for k in row.indices { row[k] *= inverse }
    return log1p(others) + margin
  }
}
