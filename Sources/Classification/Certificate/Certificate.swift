internal import Tensors

/// A proof of how far a classifier is from optimal, by a point of the dual problem.
///
/// With residuals R of a dual feasible point, `V = −C·RᵀX` and `Σ_i R_i = 0`,
/// `P − D = ½‖W − V‖² + C·Σ_i (ℓ(f_i) + ℓ*(R_i) − R_i·f_i)`: a sum of terms that are not negative, so
/// that a small gap does not come from subtracting large numbers. No classifier's objective is below
/// D, so none is better than this one by more than the gap. None is below 0 either, so the gap is at
/// most P.
///
/// Beside P a gap may be small though nothing was learned: with a small C losses outweigh all that
/// weights can gain. So it counts against `P(0) − D`, too, which is the same sum at zero weights with
/// the best bias (`BiasOnlyModel`).
package struct Certificate: Sendable, Equatable, Codable {
  /// P, the training objective of the stored weights and bias.
  package let objective: Double
  /// P − D.
  package let gap: Double
  /// `P(0) − D`, all that weights could gain at most; nil in classifiers of earlier versions.
  package let gain: Double?
  /// `‖W − V‖` relative to `‖V‖` at W = 0.
  package let relativeGradient: Double

  /// `(P − D) / P`.
  package var relativeGap: Double { objective > 0 ? gap / objective : 0 }

  /// `(P − D) / (P(0) − D)`, the share of what there was to gain that may be missing; nil where it is
  /// not known.
  package var gapOfGain: Double? { gain.map { $0 > 0 ? gap / $0 : (gap > 0 ? 1 : 0) } }

  /// The larger of the two ratios, which training brings below its tolerance.
  package var largestRatio: Double { max(relativeGap, gapOfGain ?? 0) }

  /// Whether the gap is within the tolerance, relative to P and to the gain; where there was nothing
  /// to gain but rounding, to P alone.
  ///
  /// - Parameter floor: the gap that rounding in double precision leaves of a gradient of zero.
  func isConverged(tolerance: Double, floor: Double) -> Bool {
    largestRatio <= tolerance || relativeGap <= tolerance && (gain ?? 0) <= floor
  }
}

/// Certifies weights and bias as they will be stored.
struct Certifier {
  let objective: Objective
  /// Weight of the losses against `½‖W‖²`.
  let C: Double
  let regularizesBias: Bool
  private let biasOnly: BiasOnlyModel

  init(objective: Objective, C: Double, regularizesBias: Bool) {
    (self.objective, self.C, self.regularizesBias) = (objective, C, regularizesBias)
    biasOnly = BiasOnlyModel(
      loss: objective.loss, classMasses: objective.rows.classMasses, C: C,
      regularizesBias: regularizesBias)
  }

  /// Weights and bias as stored, and their certificate.
  struct Result {
    var weights: [Double]
    var bias: [Double]
    var certificate: Certificate
    /// The gap that rounding in double precision leaves of a gradient of zero.
    var floor: Double

    func isConverged(tolerance: Double) -> Bool {
      certificate.isConverged(tolerance: tolerance, floor: floor)
    }
  }

  /// Certifies weights rounded to single precision, or, where that keeps a gap above the tolerance, as
  /// they are. Collective.
  func certify(
    weights: [Double], bias: [Double], referenceNorm: Double, tolerance: Double,
    _ elimination: inout BiasElimination
  ) throws -> Result {
    let rounded = try certify(
      weights: weights, bias: bias, referenceNorm: referenceNorm, rounds: true, &elimination)
    if rounded.isConverged(tolerance: tolerance) { return rounded }
    let exact = try certify(
      weights: weights, bias: bias, referenceNorm: referenceNorm, rounds: false, &elimination)
    // Also on the way: what rounding hides would look like an end.
    let isBetter = 2 * exact.certificate.largestRatio < rounded.certificate.largestRatio
    return isBetter || exact.isConverged(tolerance: tolerance) ? exact : rounded
  }

  /// Rounds the weights and measures the gap between them and a dual point, in double precision.
  ///
  /// The dual point comes from the optimization's logits and weights before rounding: it may be any
  /// point, and this one is nearer to the optimum than one made from rounded weights. Collective.
  ///
  /// - Parameters:
  ///   - weights: K×D.
  ///   - bias: where the search for the best bias starts.
  ///   - referenceNorm: `‖V‖` at W = 0.
  ///   - rounds: whether to single precision.
  private func certify(
    weights: [Double], bias: [Double], referenceNorm: Double, rounds: Bool,
    _ elimination: inout BiasElimination
  ) throws -> Result {
    let rows = objective.rows
    let classCount = rows.classCount
    let stored = rounds ? weights.map { Double(Float($0)) } : weights
    var request = LossEvaluation.Request(
      classes: Array(0..<classCount), columns: [], directionCount: 0, steps: [], bias: bias)
    var storedBias = rounds ? bias.map { Double(Float($0)) } : bias
    let evaluation: LossEvaluation
    if regularizesBias {
      evaluation = try objective.evaluate(request)
    } else {
      // As exact as double precision allows: what is left of Σ r must be repaired, at a price.
      evaluation = try elimination.minimize(
        &request, allowed: [Double](repeating: 0, count: classCount))
      if !objective.loss.isSeparable {
        // Softmax does not change when all biases move together: of all optimal ones take the smallest,
        // which single precision keeps best.
        let mean = request.bias.reduce(0, +) / Double(classCount)
        for k in 0..<classCount { request.bias[k] -= mean }
      }
      storedBias = rounds ? request.bias.map { Double(Float($0)) } : request.bias
    }
    if !evaluation.loss.allSatisfy(\.isFinite) { throw ClassificationError.saturated("losses") }
    let point = DualPoint(
      bias: request.bias, primalBias: storedBias, biasOnly: biasOnly.bias,
      repair: objective.loss.function.repair(
        ResidualSums(
          residuals: regularizesBias
            ? [Double](repeating: 0, count: classCount) : evaluation.residual,
          ownMasses: evaluation.positiveMass, classMasses: rows.classMasses)))
    let massBounds = rows.massBounds(
      loss: objective.loss, classes: request.classes, evaluation: evaluation)
    let (gradient, sums) = try objective.dualSums(
      point, weights: stored, massBounds: massBounds)

    return Result(
      weights: stored, bias: storedBias,
      certificate: try certificate(
        stored, storedBias, gradient, sums, referenceNorm: referenceNorm),
      floor: (0..<classCount).reduce(0) { floor, k in
        floor
          + rows.gapFloor(
            C: C, massBound: massBounds[k],
            squaredNorm: stored[k * rows.width..<(k + 1) * rows.width]
              .reduce(0) { $0 + $1 * $1 })
      })
  }

  /// P − D, term by term: the same arithmetic on the same numbers on every rank.
  ///
  /// - Parameters:
  ///   - gradient: `Rᵀ·X` of the dual point's residuals; `V = −C·` this.
  ///   - sums: those of the dual point.
  /// - Throws: `ClassificationError.saturated`.
  func certificate(
    _ weights: [Double], _ bias: [Double], _ gradient: FixedPointSum, _ sums: DualSums,
    referenceNorm: Double
  ) throws -> Certificate {
    let width = objective.rows.width
    var squaredNorm = 0.0
    var squaredDifference = 0.0
    var squaredDual = 0.0  // ‖V‖², the same difference at W = 0
    for k in bias.indices {
      for (j, sum) in gradient.values(row: k).enumerated() {
        let weight = weights[k * width + j]
        squaredNorm += weight * weight
        let difference = weight + C * sum
        squaredDifference += difference * difference
        squaredDual += C * sum * (C * sum)
      }
    }
    var (gap, gain) = (0.0, 0.0)
    for k in bias.indices {
      let (b, only) = (bias[k], biasOnly.bias[k])
      if regularizesBias {
        squaredNorm += b * b
        let difference = b + C * sums.residual[k]
        squaredDifference += difference * difference
        squaredDual += (only + C * sums.residual[k]) * (only + C * sums.residual[k])
      } else {
        // The term −b·Σr, zero but for the rounding of the repair.
        gap += C * abs(b * sums.residual[k])
        gain -= C * abs(only * sums.residual[k])
      }
      gap += C * sums.duality[k]
      gain += C * sums.dualityOfBiasOnly[k]
    }
    let objective = squaredNorm / 2 + C * sums.loss.reduce(0, +)
    if !objective.isFinite || !gap.isFinite || !gain.isFinite {
      throw ClassificationError.saturated("losses")
    }
    // P ≥ 0 bounds the gap; 0 may then take D's place in both differences.
    gap = min(max(0, gap + squaredDifference / 2), objective)
    gain = min(max(0, gain + squaredDual / 2), biasOnly.values.reduce(0, +))
    return Certificate(
      objective: objective, gap: gap, gain: gain,
      relativeGradient: referenceNorm > 0 ? squaredDifference.squareRoot() / referenceNorm : 0)
  }
}

extension LocalRows {
  /// What rounding in double precision leaves of a class's gap at the very optimum: half the squared
  /// gradient, each element of which is the difference of terms known to some 2^-40 after products and factorizations.
  ///
  /// Where weights have nothing to gain, as on rows that are all alike, the gap is no share of
  /// anything, and this is where it ends.
  ///
  /// - Parameters:
  ///   - massBound: at least `Σ c·|r|`.
  ///   - squaredNorm: of the class's weights.
  func gapFloor(C: Double, massBound: Double, squaredNorm: Double) -> Double {
    let largest = C * massBound * squaredColumnBounds.squareRoot()
    return 0x1p-80 / 2 * (largest * largest + squaredNorm)
  }

  /// For each of `classes`, at least `Σ_i c_i·|r_i|` at the point of an evaluation, up to rounding; c the
  /// rows' weights.
  ///
  /// With the largest magnitude of each feature (`columnBounds`) it bounds `|Σ_i c_i·r_i·x_ij|`, and so
  /// sets the unit of the exact sum: the smallest power of 2 of which 64 bits hold that many. Any partial
  /// sum stays within, in any order, and the unit is known before the sum, alike on all ranks.
  func massBounds(loss: Loss, classes: [Int], evaluation: LossEvaluation) -> [Double] {
    classes.indices.map {
      loss.function.massBound(
        loss: evaluation.loss[loss.isSeparable ? $0 : 0], residual: evaluation.residual[$0],
        ownMass: classMasses[classes[$0]], mass: mass)
    }
  }
}
