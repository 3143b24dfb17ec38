internal import Foundation
internal import Tensors

/// `Σ_k log(1 + exp(−y_k·f_k))`.
struct LogisticLoss: SeparableLoss {
  let name = "logistic"
  let formula = "Σ_k log(1 + exp(−y_k·f_k)),   y_k = ±1 (one-vs-rest)"
  let kernel: TrainingKernels.LossKind? = .logistic

  @inline(__always)
  func at(margin: Double) -> (loss: Double, derivative: Double, curvature: Double) {
    // e^−|m| never overflows, and of the two probabilities the smaller one is not a difference.
    let decay = exp(-abs(margin))
    let other = decay / (1 + decay)
    let probability = margin >= 0 ? other : 1 / (1 + decay)  // of the wrong side
    return (log1p(decay) + max(0, -margin), -probability, decay / ((1 + decay) * (1 + decay)))
  }

  /// With `ρ = −d` in 0…1, `ℓ*(−ρ) = ρ·log ρ + (1 − ρ)·log(1 − ρ)`: the sum is the divergence of
  /// `(ρ, 1 − ρ)` from `(q, 1 − q)`, q the probability of the wrong side, and taken as such.
  func duality(derivative: Double, margin: Double) -> Double {
    let magnitude = -derivative
    let decay = exp(-abs(margin))
    let (small, large) = (decay / (1 + decay), 1 / (1 + decay))
    let (wrong, right) = margin >= 0 ? (small, large) : (large, small)
    let normalizer = log1p(decay)
    return divergence(magnitude, wrong, logarithm: -normalizer - max(0, margin))
      + divergence(1 - magnitude, right, logarithm: -normalizer - max(0, -margin))
  }

  func massBound(loss: Double, residual: Double, ownMass: Double, mass: Double) -> Double {
    massBoundOfUnitResiduals(loss: loss, residual: residual, ownMass: ownMass)
  }

  func startingResiduals(share: Double?, classCount: Int) -> (own: Double, other: Double) {
    let probability = share ?? 0.5
    return (probability - 1, probability)
  }
}

extension Loss {
  package static let logistic = Loss(LogisticLoss())
}
