internal import Foundation

/// A loss that is a sum over the classes: each is told from the rest by its margin `m = y·f`, y = ±1.
///
/// The classes share the matrix products alone, and have steps and ends of their own.
protocol SeparableLoss: LossFunction {
  /// ℓ, ℓ′ and ℓ″ at a margin; the residual is `y·ℓ′(m)`.
  func at(margin: Double) -> (loss: Double, derivative: Double, curvature: Double)

  /// The Fenchel–Young residual `ℓ(m) + ℓ*(d) − d·m`: not negative, and 0 where `d = ℓ′(m)`.
  ///
  /// - Parameter derivative: d, where the conjugate ℓ* is finite.
  func duality(derivative: Double, margin: Double) -> Double
}

extension SeparableLoss {
  var isSeparable: Bool { true }

  func derive(
    _ row: inout [Double], label: Int, weight: Double, losses: inout [Double],
    curvature: inout [Double]
  ) {
    for k in row.indices {
      let sign: Double = k == label ? 1 : -1
      let term = at(margin: sign * row[k])
      losses[k] += weight * term.loss
      row[k] = weight * (sign * term.derivative)
      curvature.append(weight * term.curvature)
    }
  }

  func multiplyByCurvature(
    _ vectors: inout [Double], plus constant: [Double], curvature: [Double], weights: [Double]
  ) {
    let count = constant.count
    for i in weights.indices {
      for k in 0..<count {
        let at = i * count + k
        vectors[at] = curvature[at] * (vectors[at] + constant[k])
      }
    }
  }

  /// The log-odds of the class: exact for the logistic loss.
  func startingBias(mass: Double, total: Double) -> Double { log(mass / (total - mass)) }

  func repair(_ sums: ResidualSums) -> any DualRepair { ScaledResiduals(self, sums) }
}

/// Residuals of one sign a side, of which the heavier side of each class is scaled down.
///
/// The residuals of a class's own rows are not positive, those of the others not negative; any part of
/// them is in the domain of the conjugate, which holds 0 and is convex.
struct ScaledResiduals<Function: SeparableLoss>: DualRepair {
  private let function: Function
  /// Factors of the residuals of a class's own rows, and of the others.
  private var ownFactors: [Double] = []
  private var otherFactors: [Double] = []

  init(_ function: Function, _ sums: ResidualSums) {
    self.function = function
    for (s, own) in zip(sums.residuals, sums.ownMasses) {
      let other = own + s  // s = Σ of the others' magnitudes − Σ of the own ones'
      ownFactors.append(s < 0 ? max(0, other) / own : 1)
      otherFactors.append(s > 0 ? own / other : 1)
    }
  }

  func addTerms(
    _ dual: inout [Double], at logits: [Double], _ biasOnly: [Double], label: Int, weight: Double,
    to sums: inout DualSums
  ) {
    for k in dual.indices {
      let isOwn = k == label
      let sign: Double = isOwn ? 1 : -1
      let factor = isOwn ? ownFactors[k] : otherFactors[k]
      let derivative = factor * function.at(margin: sign * dual[k]).derivative
      let margin = sign * logits[k]
      sums.loss[k] += weight * function.at(margin: margin).loss
      sums.duality[k] += weight * function.duality(derivative: derivative, margin: margin)
      sums.dualityOfBiasOnly[k] +=
        weight * function.duality(derivative: derivative, margin: sign * biasOnly[k])
      dual[k] = sign * derivative
      sums.residual[k] += weight * dual[k]
    }
  }
}
