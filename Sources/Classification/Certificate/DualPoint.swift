internal import Foundation

/// A point at which the dual of the training problem is evaluated, in terms of residuals.
///
/// The residuals of the loss at `bias` solve the dual's conditions but for `Σ_i r_i = 0`, which a
/// free bias demands. They are repaired: softmax probabilities are mixed with a constant
/// distribution, `p ← (1 − τ)·p + τ·q`; for a separable loss the heavier side of each class is
/// scaled down. Either leaves the point inside the dual's domain.
struct DualPoint: Sendable {
  /// Where the residuals are taken, with the logits of the optimization.
  var bias: [Double]
  /// Where the primal objective is: the classifier's stored bias.
  var primalBias: [Double]
  /// τ and q, for softmax.
  var mixing = 0.0
  var mixture: [Double] = []
  /// Factors of the residuals of a class's own rows, and of the others.
  var positiveFactors: [Double] = []
  var negativeFactors: [Double] = []

  /// - Parameters:
  ///   - residualSums: `s_k = Σ_i c_i·r_ik`, c the rows' weights, at `bias`; pass zeros when the bias is regularized, for then
  ///     nothing needs repair.
  ///   - positiveMasses: `Σ c_i·|r_ik|` over the rows of class k (separable losses).
  init(
    loss: Loss, bias: [Double], primalBias: [Double], residualSums: [Double],
    positiveMasses: [Double], classMasses: [Double]
  ) {
    self.bias = bias
    self.primalBias = primalBias
    if loss.isSeparable {
      for (s, positive) in zip(residualSums, positiveMasses) {
        // s = negative mass − positive mass
        let negative = positive + s
        positiveFactors.append(s < 0 ? max(0, negative) / positive : 1)
        negativeFactors.append(s > 0 ? positive / negative : 1)
      }
    } else {
      let total = classMasses.reduce(0, +)
      for (s, n) in zip(residualSums, classMasses) where s > 0 {
        mixing = max(mixing, s / (n + s))
      }
      if mixing > 0 {
        let tau = mixing
        mixture = zip(residualSums, classMasses).map { s, n in
          max(0, (n - (1 - tau) * s / tau) / total)
        }
      } else {
        mixture = [Double](repeating: 0, count: classMasses.count)
      }
    }
  }
}

/// Weighted sums over all rows at a dual point, for each class.
struct DualSums {
  /// Losses at the primal bias (softmax: all in the first).
  var loss: [Double]
  /// Fenchel–Young residuals `ℓ(f) + ℓ*(r) − r·f`, zero where r is the residual at f (softmax: all
  /// in the first).
  var duality: [Double]
  /// `Σ r` after repair.
  var residual: [Double]

  static func count(classCount: Int) -> Int { 3 * classCount }

  init(values: [Double]) {
    let count = values.count / 3
    loss = Array(values[..<count])
    duality = Array(values[count..<2 * count])
    residual = Array(values[(2 * count)...])
  }

  init(classCount: Int) { self.init(values: [Double](repeating: 0, count: 3 * classCount)) }

  var values: [Double] { loss + duality + residual }
}

extension Loss {
  /// One block's repaired residuals times the rows' weights and scales, and their sums.
  ///
  /// - Parameters:
  ///   - primalLogits: those of the weights to certify, `kept×K`, without bias.
  ///   - target: room for `kept×K`, row-major.
  func dualResiduals(
    of block: RowBlock, _ point: DualPoint, primalLogits: [Double], classCount: Int,
    into target: inout [Double]
  ) -> DualSums {
    var sums = DualSums(classCount: classCount)
    var dual = [Double](repeating: 0, count: classCount)
    var primal = dual
    for i in 0..<block.count {
      let label = Int(block.labels[i])
      let (weight, scale) = (block.weights[i], block.scales[i])
      for k in 0..<classCount {
        dual[k] = block.logits[i * classCount + k] + point.bias[k]
        primal[k] = primalLogits[i * classCount + k] + point.primalBias[k]
      }
      if isSeparable {
        for k in 0..<classCount {
          let isPositive = k == label
          let factor = isPositive ? point.positiveFactors[k] : point.negativeFactors[k]
          let residual = factor * term(logit: dual[k], isPositive: isPositive).residual
          let margin = isPositive ? primal[k] : -primal[k]
          sums.loss[k] += weight * term(logit: primal[k], isPositive: isPositive).loss
          sums.duality[k] += weight * duality(magnitude: abs(residual), margin: margin)
          sums.residual[k] += weight * residual
          target[i * classCount + k] = residual * (weight * scale)
        }
      } else {
        let logits = primal
        _ = Self.softmax(&dual, label: label)
        let loss = Self.softmax(&primal, label: label)
        let normalizer = loss + logits[label]  // log Σ exp
        sums.loss[0] += weight * loss
        for k in 0..<classCount {
          let p = (1 - point.mixing) * dual[k] + point.mixing * point.mixture[k]
          if p > 0 { sums.duality[0] += weight * p * (log(p) - (logits[k] - normalizer)) }
          let residual = p - (k == label ? 1 : 0)
          sums.residual[k] += weight * residual
          target[i * classCount + k] = residual * (weight * scale)
        }
      }
    }
    return sums
  }

  /// `ℓ(m) + ℓ*(−ρ) + ρ·m` of a separable loss, ρ the residual's magnitude and m the margin.
  func duality(magnitude: Double, margin: Double) -> Double {
    switch self {
    case .squaredHinge:
      // ℓ* (−ρ) = ρ²/4 − ρ
      if margin < 1 {
        let difference = magnitude - 2 * (1 - margin)
        return difference * difference / 4
      }
      return magnitude * magnitude / 4 + magnitude * (margin - 1)
    case .logistic:
      // ℓ*(−ρ) = ρ·log ρ + (1 − ρ)·log(1 − ρ)
      let rest = 1 - magnitude
      let entropy =
        (magnitude > 0 ? magnitude * log(magnitude) : 0) + (rest > 0 ? rest * log(rest) : 0)
      return log1p(exp(-abs(margin))) + max(0, -margin) + entropy + magnitude * margin
    case .softmax: preconditionFailure("softmax is not separable")
    }
  }
}
