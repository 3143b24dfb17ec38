internal import Foundation

/// The best classifier without weights: what training starts from, and is measured against.
///
/// `P(0) = min_b P(0, b)`. A training that ends near `P(0)` has learned nothing from the features,
/// however small its gap is beside the objective: the gap counts against `P(0) − D`, all that there
/// was to gain, as well.
struct BiasOnlyModel: Sendable, Equatable {
  /// The best bias of each class.
  var bias: [Double]
  /// The objective of each class (softmax: all in the first).
  var values: [Double]

  /// - Parameters:
  ///   - classMasses: `Σ c` over the rows of each class; positive.
  ///   - C: weight of the losses against `½‖b‖²`, which counts where the bias is regularized.
  init(loss: Loss, classMasses: [Double], C: Double, regularizesBias: Bool) {
    let total = classMasses.reduce(0, +)
    // In units of C·Σc: where the bias is free, C does not matter.
    let shares = classMasses.map { $0 / total }
    let penalty = regularizesBias ? 1 / (C * total) : 0
    let (best, losses) = loss.function.biasOnly(shares: shares, penalty: penalty)
    bias = best
    values = losses.map { $0 * C * total }
    if !regularizesBias { return }
    for k in bias.indices { values[loss.isSeparable ? k : 0] += bias[k] * bias[k] / 2 }
  }
}

extension SeparableLoss {
  /// For each class the smallest `penalty·½b² + s·ℓ(b) + (1 − s)·ℓ(−b)`, s its share of the rows'
  /// weights: Newton's method within a bracket, on the derivative, which increases.
  func biasOnly(shares: [Double], penalty: Double) -> (bias: [Double], losses: [Double]) {
    var (biases, losses): ([Double], [Double]) = ([], [])
    for share in shares {
      var (low, high) = (-1e4, 1e4)
      var b = 0.0
      for _ in 0..<200 {
        let (own, other) = (at(margin: b), at(margin: -b))
        let first = penalty * b + share * own.derivative - (1 - share) * other.derivative
        let second = penalty + share * own.curvature + (1 - share) * other.curvature
        if first == 0 { break }
        if first > 0 { high = b } else { low = b }
        var next = second > 0 ? b - first / second : low + (high - low) / 2
        if !(next > low && next < high) { next = low + (high - low) / 2 }
        if abs(next - b) <= 1e-16 * abs(b) { break }
        b = next
      }
      biases.append(b)
      losses.append(share * at(margin: b).loss + (1 - share) * at(margin: -b).loss)
    }
    return (biases, losses)
  }
}

extension SoftmaxLoss {
  /// The smallest `penalty·½‖b‖² + log Σ exp(b_k) − Σ s_k·b_k`, s the classes' shares.
  ///
  /// Without a penalty `b = log s`. With one, Newton's method: the second derivative is
  /// `D − p·pᵀ`, `D = penalty + diag(p)`, whose inverse is that of D plus one product (Sherman and
  /// Morrison), for `1 − pᵀ·D⁻¹·p = penalty·Σ p/D`.
  func biasOnly(shares: [Double], penalty: Double) -> (bias: [Double], losses: [Double]) {
    var bias = shares.map { log($0) }
    let mean = bias.reduce(0, +) / Double(bias.count)
    for k in bias.indices { bias[k] -= mean }
    func evaluate(_ bias: [Double]) -> (probabilities: [Double], loss: Double, value: Double) {
      let top = bias.max()!
      let terms = bias.map { exp($0 - top) }
      let sum = terms.reduce(0, +)
      let loss = zip(shares, bias).reduce(0) { $0 + $1.0 * (top + log(sum) - $1.1) }
      return (
        terms.map { $0 / sum }, loss, loss + penalty / 2 * bias.reduce(0) { $0 + $1 * $1 }
      )
    }
    var here = evaluate(bias)
    for _ in 0..<100 where penalty > 0 {
      let gradient = bias.indices.map { penalty * bias[$0] + here.probabilities[$0] - shares[$0] }
      let scales = here.probabilities.map { 1 / (penalty + $0) }
      var (crossed, rest) = (0.0, 0.0)
      for k in bias.indices {
        crossed += here.probabilities[k] * scales[k] * gradient[k]
        rest += penalty * here.probabilities[k] * scales[k]
      }
      let step = bias.indices.map {
        scales[$0] * (gradient[$0] + here.probabilities[$0] * crossed / rest)
      }
      let largest = step.reduce(0) { max($0, abs($1)) }
      if !(largest > 1e-15 * bias.reduce(0) { max($0, abs($1)) }) { break }
      var t = 1.0
      var next = bias
      while t > 1e-6 {
        next = zip(bias, step).map { $0 - t * $1 }
        let there = evaluate(next)
        if there.value <= here.value {
          here = there
          break
        }
        t /= 2
      }
      if t <= 1e-6 { break }
      bias = next
    }
    return (bias, [here.loss] + [Double](repeating: 0, count: bias.count - 1))
  }
}
