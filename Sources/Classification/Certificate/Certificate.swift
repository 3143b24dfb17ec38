internal import Tensors

/// A proof of how far a classifier is from optimal, by a point of the dual problem.
///
/// With residuals R of a dual feasible point, `V = −C·RᵀX` and `Σ_i R_i = 0`,
/// `P − D = ½‖W − V‖² + C·Σ_i (ℓ(f_i) + ℓ*(R_i) − R_i·f_i)`: a sum of terms that are not negative, so
/// that a small gap does not come from subtracting large numbers. No classifier's objective is below
/// D, so none is better than this one by more than the gap.
package struct Certificate: Sendable, Equatable, Codable {
  /// P, the training objective of the stored (single precision) weights and bias.
  package let objective: Double
  /// P − D.
  package let gap: Double
  /// `‖W − V‖` relative to `‖V‖` at W = 0.
  package let relativeGradient: Double

  /// `(P − D) / P`.
  package var relativeGap: Double { objective > 0 ? gap / objective : 0 }
}

/// Certifies weights and bias as they will be stored.
struct Certifier {
  let objective: Objective
  /// Weight of the losses against `½‖W‖²`.
  let C: Double
  let regularizesBias: Bool

  /// Weights and bias as stored, and their certificate.
  struct Result {
    var weights: [Float]
    var bias: [Float]
    var certificate: Certificate
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
  func certify(
    weights: [Double], bias: [Double], referenceNorm: Double,
    _ elimination: inout BiasElimination
  ) throws -> Result {
    let rows = objective.rows
    let classCount = rows.classCount
    let stored = weights.map(Float.init)
    var request = LossEvaluation.Request(
      classes: Array(0..<classCount), columns: [], directionCount: 0, steps: [], bias: bias)
    var storedBias = bias.map(Float.init)
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
      storedBias = request.bias.map(Float.init)
    }
    let point = DualPoint(
      bias: request.bias, primalBias: storedBias.map(Double.init),
      repair: objective.loss.function.repair(
        ResidualSums(
          residuals: regularizesBias
            ? [Double](repeating: 0, count: classCount) : evaluation.residual,
          ownMasses: evaluation.positiveMass, classMasses: rows.classMasses)))
    let massBounds = rows.massBounds(
      loss: objective.loss, classes: request.classes, evaluation: evaluation)
    let (gradient, sums) = try objective.dualSums(
      point, weights: stored.map(Double.init), massBounds: massBounds)

    return Result(
      weights: stored, bias: storedBias,
      certificate: certificate(
        stored, storedBias, gradient, sums, referenceNorm: referenceNorm))
  }

  /// P − D, term by term: the same arithmetic on the same numbers on every rank.
  ///
  /// - Parameters:
  ///   - gradient: `Rᵀ·X` of the dual point's residuals; `V = −C·` this.
  ///   - sums: those of the dual point.
  private func certificate(
    _ weights: [Float], _ bias: [Float], _ gradient: FixedPointSum, _ sums: DualSums,
    referenceNorm: Double
  ) -> Certificate {
    let width = objective.rows.width
    var squaredNorm = 0.0
    var squaredDifference = 0.0
    for k in bias.indices {
      for (j, sum) in gradient.values(row: k).enumerated() {
        let weight = Double(weights[k * width + j])
        squaredNorm += weight * weight
        let difference = weight + C * sum
        squaredDifference += difference * difference
      }
    }
    var gap = 0.0
    for k in bias.indices {
      let b = Double(bias[k])
      if regularizesBias {
        squaredNorm += b * b
        let difference = b + C * sums.residual[k]
        squaredDifference += difference * difference
      } else {
        // The term −b·Σr, zero but for the rounding of the repair.
        gap += C * abs(b * sums.residual[k])
      }
      gap += C * sums.duality[k]
    }
    gap = max(0, gap + squaredDifference / 2)
    return Certificate(
      objective: squaredNorm / 2 + C * sums.loss.reduce(0, +), gap: gap,
      relativeGradient: referenceNorm > 0 ? squaredDifference.squareRoot() / referenceNorm : 0)
  }
}

extension LocalRows {
  /// For each of `classes`, at least `Σ_i c_i·|r_i|` at the point of an evaluation, up to rounding; c the
  /// rows' weights.
  ///
  /// With the largest magnitude of each feature (`columnBounds`) it bounds `|Σ_i c_i·r_i·x_ij|`, and so
  /// sets the unit of the exact sum: the smallest power of 2 of which 64 bits hold that many. Any partial
  /// sum stays within, in any order, and the unit is known before the sum, alike on all ranks.
  func massBounds(loss: Loss, classes: [Int], evaluation: LossEvaluation) -> [Double] {
    classes.indices.map {
      loss.function.massBound(
        loss: evaluation.loss[$0], residual: evaluation.residual[$0],
        ownMass: classMasses[classes[$0]], mass: mass)
    }
  }
}
