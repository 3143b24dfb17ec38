internal import Foundation
internal import Tensors

/// Finds the bias that is optimal for given weights.
///
/// Training then minimizes over the weights alone, `φ(W) = min_b P(W, b)`, which takes the large
/// common mean of ReLU features out of the problem and makes the residuals dual feasible: at the best
/// bias `∂P/∂b = C·Σ_i r_i = 0`. Then `P − D = ½‖∇φ‖²` exactly, and ∇φ is `∂P/∂W` at that bias, for b
/// does not change to first order (the envelope theorem).
struct BiasElimination {
  let objective: Objective
  /// Weight of the losses against `½‖W‖²`.
  let C: Double
  /// The softmax curvature at an earlier bias, still good for steps.
  var curvature: PositiveDefiniteFactor?

  init(objective: Objective, C: Double) {
    self.objective = objective
    self.C = C
  }

  /// The sums at the optimal bias of a point along the direction.
  ///
  /// - Parameters:
  ///   - request: the point; its bias is where the search starts, and becomes the optimal one.
  ///   - allowed: for each of the request's classes (softmax: in the first), how far the objective
  ///     may be from its smallest value over b.
  mutating func minimize(_ request: inout LossEvaluation.Request, allowed: [Double]) throws
    -> LossEvaluation
  {
    objective.loss.isSeparable
      ? try minimizeSeparately(&request, allowed: allowed)
      : try minimizeJointly(&request, allowed: allowed[0])
  }

  // MARK: One-vs-rest: Newton's method for each class, within a bracket

  private func minimizeSeparately(
    _ request: inout LossEvaluation.Request, allowed: [Double]
  ) throws -> LossEvaluation {
    let count = request.classes.count
    var low = [Double](repeating: -.infinity, count: count)
    var high = [Double](repeating: .infinity, count: count)
    var pending = Array(0..<count)
    var result = LossEvaluation(
      values: [Double](repeating: 0, count: LossEvaluation.fieldCount * count), classCount: count)
    var reach = 4.0
    for _ in 0..<100 where !pending.isEmpty {
      let part = try objective.evaluate(request.selecting(pending))
      var next: [Int] = []
      for (j, c) in pending.enumerated() {
        result.loss[c] = part.loss[j]
        result.residual[c] = part.residual[j]
        result.slope[c] = part.slope[j]
        result.curvature[c] = part.curvature[j]
        result.positiveMass[c] = part.positiveMass[j]
        let (s, h, b) = (part.residual[j], part.curvature[j], request.bias[c])
        // s² / 2h is what is left to gain, by the second-order model: Newton's decrement.
        if s == 0 || !s.isFinite || C * s * s / 2 <= allowed[c] * h { continue }
        if s > 0 { high[c] = b } else { low[c] = b }
        // The derivative s is increasing in b, so its sign tells the side of the minimum. The reach
        // bounds steps where curvature has vanished; it doubles, for the minimum may be far.
        var candidate = b + min(max(-s / h, -reach), reach)
        if !(candidate > low[c] && candidate < high[c]) {
          // Out of the bracket, as Newton's method steps at the kinks of the squared hinge: halve it.
          candidate =
            low[c].isFinite && high[c].isFinite
            ? low[c] + (high[c] - low[c]) / 2 : b + (s > 0 ? -reach : reach)
        }
        // Two units in the last place: there is no number between.
        if abs(candidate - b) <= 4e-16 * max(1, abs(b)) { continue }
        request.bias[c] = candidate
        next.append(c)
      }
      pending = next
      reach *= 2
    }
    return result
  }

  // MARK: Softmax: Newton's method for all classes at once

  private mutating func minimizeJointly(
    _ request: inout LossEvaluation.Request, allowed: Double
  ) throws -> LossEvaluation {
    let counts = objective.rows.classMasses
    var best: (evaluation: LossEvaluation, bias: [Double])?
    var lastDecrement = Double.infinity
    var needsCurvature = curvature == nil
    for _ in 0..<60 {
      request.needsCurvatureMatrix = needsCurvature
      var evaluation = try objective.evaluate(request)
      if needsCurvature && evaluation.loss[0] < 0x1p-20 * objective.rows.mass {
        // Nearly all rows are sure of their class, and in units of their weights the sums are zero:
        // p_k·p_l ≤ 1 − p_y ≤ ℓ bounds them by the loss.
        request.crossProductBound = evaluation.loss[0] * (1 + 0x1p-20)
        evaluation = try objective.evaluate(request)
        request.crossProductBound = nil
      }
      // Of terms that are no numbers nothing can be learned.
      if needsCurvature && evaluation.loss[0].isFinite {
        curvature = PositiveDefiniteFactor(softmaxCurvature: evaluation.crossProducts)
      }
      if let previous = best,
        !(evaluation.loss[0] <= previous.evaluation.loss[0] + 1e-13
          * abs(previous.evaluation.loss[0]))
      {
        // Back to the best point, and from there by the step that never lets the loss rise.
        request.bias = scaledBias(previous.bias, residuals: previous.evaluation.residual)
        best = nil
        needsCurvature = true
        lastDecrement = .infinity
        continue
      }
      best = (evaluation, request.bias)
      guard evaluation.loss[0].isFinite, curvature != nil else { break }
      let step = curvature!.solve(evaluation.residual)
      var decrement = 0.0
      for k in counts.indices { decrement += step[k] * evaluation.residual[k] }
      // sᵀ·H⁻¹·s / 2 is what is left to gain, by the second-order model.
      if C * decrement / 2 <= allowed { break }
      let largest = request.bias.reduce(1) { max($0, abs($1)) }
      if step.allSatisfy({ abs($0) <= 4e-16 * largest }) { break }
      // A curvature costs an evaluation 2NK² more, so an old one serves as long as each step with it
      // leaves less than a tenth: then it is at hand when the next search begins nearby.
      if !needsCurvature && decrement > 0.1 * lastDecrement {
        needsCurvature = true
        lastDecrement = .infinity
        continue
      }
      needsCurvature = false
      lastDecrement = decrement
      // A factor of e²⁰ in the odds: further than that the quadratic model says nothing.
      for k in counts.indices { request.bias[k] -= min(max(step[k], -20), 20) }
    }
    request.needsCurvatureMatrix = false
    if let best {
      request.bias = best.bias
      return best.evaluation
    }
    return try objective.evaluate(request)
  }

  /// Generalized iterative scaling (Darroch and Ratcliff, 1972): `b_k += log(n_k / Σ_i c_i·p_ik)`, which
  /// makes the expected weight of each class its own and never lets the loss rise.
  private func scaledBias(_ bias: [Double], residuals: [Double]) -> [Double] {
    let counts = objective.rows.classMasses
    return counts.indices.map { k in
      // Σ c·p = s + n; where it is lost in rounding, the step must stay finite.
      let mass = max(residuals[k] + counts[k], 1e-9 * counts[k])
      return bias[k] + log(counts[k] / mass)
    }
  }
}

extension LossEvaluation.Request {
  /// The same request for some of its classes.
  func selecting(_ indices: [Int]) -> LossEvaluation.Request {
    LossEvaluation.Request(
      classes: indices.map { classes[$0] },
      columns: directionCount == 0 ? [] : indices.map { columns[$0] },
      directionCount: directionCount,
      steps: directionCount == 0 ? [] : indices.map { steps[$0] },
      bias: indices.map { bias[$0] })
  }
}
