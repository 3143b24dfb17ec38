internal import Tensors

/// Solves one fold for rising values of C in terms of the features, each from the one before.
struct FoldDescent {
  let rows: LocalRows
  let options: TrainingOptions
  /// The gap at which a classifier is good enough to compare.
  let tolerance: Double
  let context: TrainingContext
  private var shared: DualRows?
  private var objective: Objective?
  /// Where the last C ended, by whichever way it was solved.
  private var dual: DualState?
  private var primal: LBFGSState?

  init(
    rows: LocalRows, options: TrainingOptions, tolerance: Double, context: TrainingContext
  ) {
    (self.rows, self.options, self.tolerance, self.context) = (rows, options, tolerance, context)
  }

  /// Weights, K×D, and biases for a C. Collective.
  mutating func approach(_ C: Double) throws -> (weights: [Double], bias: [Double]) {
    var options = options
    options.C = C
    // Where a checkpoint goes on with L-BFGS the dual was given up.
    if DualDescent.isMeant(for: options) && !(context.checkpointer?.isPending(.fold) ?? false) {
      if let found = try approachByDual(options) { return found }
      // From nothing, for a checkpoint of the attempt knows of nothing else.
      primal = nil
    }
    dual = nil
    // An objective knows the logits where the last search ended.
    if primal == nil || objective == nil {
      objective = Objective(rows: rows, loss: options.loss, context)
    }
    let solver = LBFGSSolver(objective: objective!, options: options)
    let found = try solver.approach(from: primal, target: tolerance)
    primal = found
    return (found.weights, found.bias)
  }

  private mutating func approachByDual(
    _ options: TrainingOptions
  ) throws -> (weights: [Double], bias: [Double])? {
    let shared = try shared ?? DualRows(rows, options, context)
    self.shared = shared
    var options = options
    options.tolerance = tolerance
    let descent = DualDescent(shared, options, phase: .dualFold)
    guard let (state, weights) = try descent.run(from: dual.map { .dual($0) } ?? .zero) else {
      return nil
    }
    dual = state
    let solution = try descent.solution(state, weights)
    return (solution.weights, solution.bias)
  }
}
