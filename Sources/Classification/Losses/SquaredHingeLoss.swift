internal import Tensors

/// `Σ_k max(0, 1 − y_k·f_k)²`.
struct SquaredHingeLoss: SeparableLoss {
  let name = "squared-hinge"
  let formula = "Σ_k max(0, 1 − y_k·f_k)²      (one-vs-rest)"
  let kernel: TrainingKernels.LossKind? = .squaredHinge
  let usesFiniteNewton = true

  @inline(__always)
  func at(margin: Double) -> (loss: Double, derivative: Double, curvature: Double) {
    let slack = max(0, 1 - margin)
    return (slack * slack, -2 * slack, slack > 0 ? 2 : 0)
  }

  /// With `ρ = −d ≥ 0`, `ℓ*(−ρ) = ρ²/4 − ρ`; written as squares, for within the margin the sum is one
  /// of terms that cancel.
  func duality(derivative: Double, margin: Double) -> Double {
    let magnitude = -derivative
    if margin < 1 {
      let difference = magnitude - 2 * (1 - margin)
      return difference * difference / 4
    }
    return magnitude * magnitude / 4 + magnitude * (margin - 1)
  }

  /// `r² = 4ℓ`, and by Cauchy and Schwarz `Σc|r| ≤ (Σc·Σcr²)^½ = 2·(Σc·Σcℓ)^½`.
  func massBound(loss: Double, residual: Double, ownMass: Double, mass: Double) -> Double {
    2 * (mass * loss).squareRoot()
  }

  /// At `W = 0` all rows are within the margin, and the best bias is the mean of y.
  func startingResiduals(share: Double?, classCount: Int) -> (own: Double, other: Double) {
    let share = share ?? 0.5
    return (-4 * (1 - share), 4 * share)
  }
}

extension Loss {
  package static let squaredHinge = Loss(SquaredHingeLoss())
}
