internal import Tensors

/// What belongs to a point: losses, bias, gradient, gap.
extension LBFGSSolver {
  /// Goes on in double precision: rounding in products may be what is in the way.
  func continueInDouble(_ state: inout LBFGSState) throws {
    state.precision = .double
    state.isStalled = state.isStalled.map { _ in false }
    state.goal.lastGap = nil
    try restart(
      &state, classes: Array(0..<classCount),
      allowed: [Double](repeating: 0, count: classCount))
    state.passes += 1
  }

  /// Makes logits of the weights of some classes, at least of all that have moved since that was
  /// done, and all that follows.
  ///
  /// - Parameter allowed: see `settle`.
  func restart(_ state: inout LBFGSState, classes: [Int], allowed: [Double]) throws {
    try state.trail.restart(objective, classes: classes, weights: state.weights)
    try settle(&state, classes: classes, allowed: allowed)
  }

  /// Makes losses, bias and gradient of some classes those of the present weights and logits.
  ///
  /// - Parameter allowed: for each of `classes`, how exactly the bias must be solved for.
  func settle(_ state: inout LBFGSState, classes: [Int], allowed: [Double]) throws {
    var request = LossEvaluation.Request(
      classes: classes, columns: [], directionCount: 0, steps: [],
      bias: classes.map { state.bias[$0] })
    let evaluation =
      options.regularizesBias
      ? try objective.evaluate(request)
      : try state.elimination.minimize(&request, allowed: allowed)
    for (entry, k) in classes.enumerated() {
      state.bias[k] = request.bias[entry]
      state.loss[k] = evaluation.loss[entry]
      state.residual[k] = evaluation.residual[entry]
    }
    try updateGradient(&state, classes: classes)
  }

  /// Sets the gradient of some classes from the residuals at the present logits and bias.
  func updateGradient(_ state: inout LBFGSState, classes: [Int]) throws {
    let rows = objective.rows
    var evaluation = LossEvaluation(
      values: [Double](repeating: 0, count: LossEvaluation.fieldCount * classes.count),
      classCount: classes.count)
    evaluation.loss = classes.map { state.loss[$0] }
    evaluation.residual = classes.map { state.residual[$0] }
    if !evaluation.loss.allSatisfy(\.isFinite) { throw ClassificationError.saturated("losses") }
    let massBounds = rows.massBounds(
      loss: objective.loss, classes: classes, evaluation: evaluation)
    for (entry, k) in classes.enumerated() { state.massBounds[k] = massBounds[entry] }
    let sums = try objective.gradient(
      classes: classes, bias: classes.map { state.bias[$0] }, massBounds: massBounds,
      precision: state.precision)
    for (entry, k) in classes.enumerated() {
      for (j, sum) in sums.values(row: entry).enumerated() {
        state.gradient[k * stride + j] = state.weights[k * width + j] + options.C * sum
      }
      if options.regularizesBias {
        state.gradient[k * stride + width] = state.bias[k] + options.C * state.residual[k]
      }
    }
  }
}
