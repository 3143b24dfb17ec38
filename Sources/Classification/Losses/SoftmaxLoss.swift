internal import Foundation
internal import Tensors

/// `log Σ_k exp(f_k) − f_y`, which couples the classes: multinomial logistic regression.
struct SoftmaxLoss: LossFunction {
  let name = "softmax"
  let formula = "log Σ_k exp(f_k) − f_y"
  let isSeparable = false
  let kernel: TrainingKernels.LossKind? = .softmax

  /// Replaces logits by the probabilities of the classes, in place.
  ///
  /// - Returns: the loss of a row of class `label`.
  @inline(__always)
  func normalize(_ row: inout [Double], label: Int) -> Double {
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

  func derive(
    _ row: inout [Double], label: Int, weight: Double, losses: inout [Double],
    curvature: inout [Double]
  ) {
    losses[0] += weight * normalize(&row, label: label)
    curvature += row
    row[label] = Self.ownResidual(row, label: label)
    for k in row.indices { row[k] *= weight }
  }

  /// `p_y − 1`, which keeps its digits when p_y is almost 1.
  static func ownResidual(_ p: [Double], label: Int) -> Double {
    if p[label] < 1 - 0x1p-20 { return p[label] - 1 }
    var others = 0.0
    for k in p.indices where k != label { others += p[k] }
    return -others
  }

  /// `(diag(p) − p·pᵀ)·v = p∘v − p·(pᵀ·v)`.
  func multiplyByCurvature(
    _ vectors: inout [Double], plus constant: [Double], curvature: [Double], weights: [Double]
  ) {
    let count = constant.count
    for (i, weight) in weights.enumerated() {
      let base = i * count
      var mean = 0.0
      for k in 0..<count {
        vectors[base + k] = curvature[base + k] * (vectors[base + k] + constant[k])
        mean += vectors[base + k]
      }
      for k in 0..<count {
        vectors[base + k] = weight * (vectors[base + k] - curvature[base + k] * mean)
      }
    }
  }

  func massBound(loss: Double, residual: Double, ownMass: Double, mass: Double) -> Double {
    massBoundOfUnitResiduals(loss: loss, residual: residual, ownMass: ownMass)
  }

  func startingBias(mass: Double, total: Double) -> Double { log(mass / total) }

  func startingResiduals(share: Double?, classCount: Int) -> (own: Double, other: Double) {
    let probability = share ?? 1 / Double(classCount)
    return (probability - 1, probability)
  }

  func repair(_ sums: ResidualSums) -> any DualRepair { MixedProbabilities(self, sums) }
}

extension Loss {
  package static let softmax = Loss(SoftmaxLoss())
}

/// Softmax probabilities mixed with a constant distribution, `p ← (1 − τ)·p + τ·q`.
///
/// With `s_k = Σ c·(p_k − e_k)` and n_k the class's weight, the mixed probabilities have the sums
/// `(1 − τ)·(n_k + s_k) + τ·N·q_k`, which shall be n_k: `q_k = (n_k − (1 − τ)·s_k/τ) / N`. The smallest
/// τ that leaves no q_k negative is `max s_k / (n_k + s_k)`. A mixture of distributions is one, and so
/// stays in the domain of the conjugate `Σ p·log p`.
struct MixedProbabilities: DualRepair {
  private let function: SoftmaxLoss
  /// τ and q.
  private var mixing = 0.0
  private var mixture: [Double]

  init(_ function: SoftmaxLoss, _ sums: ResidualSums) {
    self.function = function
    let total = sums.classMasses.reduce(0, +)
    for (s, n) in zip(sums.residuals, sums.classMasses) where s > 0 {
      mixing = max(mixing, s / (n + s))
    }
    mixture = [Double](repeating: 0, count: sums.classMasses.count)
    if mixing > 0 {
      let tau = mixing
      mixture = zip(sums.residuals, sums.classMasses).map { s, n in
        max(0, (n - (1 - tau) * s / tau) / total)
      }
    }
  }

  func addTerms(
    _ dual: inout [Double], at logits: [Double], _ biasOnly: [Double], label: Int, weight: Double,
    to sums: inout DualSums
  ) {
    _ = function.normalize(&dual, label: label)
    var (primal, only) = (logits, biasOnly)
    let loss = function.normalize(&primal, label: label)
    let normalizer = loss + logits[label]  // log Σ exp
    let normalizerOfBiasOnly = function.normalize(&only, label: label) + biasOnly[label]
    sums.loss[0] += weight * loss
    for k in dual.indices {
      let p = (1 - mixing) * dual[k] + mixing * mixture[k]
      // ℓ(f) + ℓ*(r) − r·f is the divergence Σ p·log(p / softmax(f)).
      sums.duality[0] +=
        weight * divergence(p, primal[k], logarithm: logits[k] - normalizer)
      sums.dualityOfBiasOnly[0] +=
        weight * divergence(p, only[k], logarithm: biasOnly[k] - normalizerOfBiasOnly)
      dual[k] = p
    }
    dual[label] = SoftmaxLoss.ownResidual(dual, label: label)
    for k in dual.indices { sums.residual[k] += weight * dual[k] }
  }
}

/// `p·log(p/q) − p + q`, whose sum over two distributions is their divergence `Σ p·log(p/q)`.
///
/// Each term is not negative, and small where p and q are alike, so that nothing cancels: with
/// `d = (p − q)/q` it is `q·((1 + d)·log(1 + d) − d)`, in a series where d is small.
///
/// - Parameter logarithm: log q, also where q itself is 0 by rounding.
func divergence(_ p: Double, _ q: Double, logarithm: Double) -> Double {
  let d = (p - q) / q
  if abs(d) < 1e-3 { return q * d * d * (1.0 / 2 - d * (1.0 / 6 - d * (1.0 / 12 - d / 20))) }
  return p > 0 ? max(0, p * (log(p) - logarithm) - p + q) : q
}
