internal import Foundation
internal import Tensors

/// Minimizes the training objective by L-BFGS, with one product with the features and one with
/// their transpose an iteration.
///
/// Every rank holds weights, gradient and pairs of all classes, and computes the same bytes from the
/// same reduced sums. Classes of a separable loss are problems of their own: each has its own steps
/// and stops, and leaves the products, when its own gap is small enough.
struct LBFGSSolver {
  let objective: Objective
  let options: TrainingOptions
  /// What training is measured against.
  let biasOnly: BiasOnlyModel
  /// Passes after which another way of solving is the better bet.
  let worthwhilePasses: Int
  let progress: (TrainingProgress) -> Void

  init(
    objective: Objective, options: TrainingOptions, worthwhilePasses: Int = .max,
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) {
    (self.objective, self.options) = (objective, options)
    (self.worthwhilePasses, self.progress) = (worthwhilePasses, progress)
    biasOnly = BiasOnlyModel(
      loss: objective.loss, classMasses: objective.rows.classMasses, C: options.C,
      regularizesBias: options.regularizesBias)
  }

  /// A point to start from.
  struct Point {
    /// K×D, and K.
    var weights: [Double]
    var bias: [Double]
  }

  var team: ThreadTeam { objective.team }
  /// Where to pause, between iterations.
  private var checkpointer: Checkpointer? { objective.context.checkpointer }
  var classCount: Int { objective.rows.classCount }
  var width: Int { objective.rows.width }
  /// Numbers of a class in gradients and directions: the weights, and a regularized bias.
  var stride: Int { width + (options.regularizesBias ? 1 : 0) }
  /// The classes that share a step, in each group.
  var groups: [Range<Int>] {
    objective.loss.isSeparable ? (0..<classCount).map { $0..<$0 + 1 } : [0..<classCount]
  }

  /// Runs until the certified gap is within the tolerance, or nothing gets better any more.
  /// Collective.
  ///
  /// - Parameter start: where to begin; nil for zero weights.
  /// - Returns: nil after `worthwhilePasses`, or as soon as twice as many seem to be needed.
  func solve(from start: Point? = nil) throws -> Solution? {
    var state = try resume(.descent) ?? begin(at: start)
    while true {
      try checkpointer?.pause(.descent) { state.record }
      let estimates = estimates(state)
      let relativeGap = Self.ratio(estimates)
      let (goal, isLast) = (state.goal, state.iterations == options.maximumIterations)
      if !isWorthwhile(
        state.passes, from: goal.firstGap ?? relativeGap, to: relativeGap, target: goal.target)
      {
        return nil
      }
      state.goal.firstGap = goal.firstGap ?? relativeGap
      progress(
        TrainingProgress(
          iteration: state.iterations, passes: state.passes,
          objective: estimates.reduce(0) { $0 + $1.value }, relativeGap: min(relativeGap, 1)))
      // A search that fails along the gradient itself met the rounding of products.
      if state.isStalled.contains(true) && state.precision == .single {
        try continueInDouble(&state)
        continue
      }
      // A group is done by its own ratio: then so is the sum, whatever the others are.
      let active = groups.indices.filter {
        !estimates[$0].isWithin(goal.target) && !state.isStalled[$0]
      }
      let isDone = active.isEmpty || isLast
      let isLook =
        !isDone
        && goal.isLookDue(state.iterations, relativeGap: relativeGap, precision: state.precision)
      if isLook && state.precision == .single {
        state.goal.look(at: relativeGap, state.iterations)
        // Stalled though every step still gains a little: rounding of products again.
        if goal.isStagnant(relativeGap) {
          try continueInDouble(&state)
          continue
        }
      }
      if !isDone && !(isLook && state.precision == .double) {
        try step(&state, active: active, estimates)
        state.iterations += 1
        state.passes += 1
        continue
      }
      if let solution = try certify(
        &state, relativeGap: relativeGap, isDone: isDone, isLast: isLast)
      {
        return solution
      }
    }
  }

  /// Certifies the present weights, and aims lower where that is not enough.
  ///
  /// - Parameters:
  ///   - relativeGap: what the gap was estimated to be.
  ///   - isDone: whether the estimate is as small as was aimed at, or cannot be made so.
  ///   - isLast: whether no iteration is left.
  /// - Returns: nil to go on.
  private func certify(
    _ state: inout LBFGSState, relativeGap: Double, isDone: Bool, isLast: Bool
  ) throws -> Solution? {
    let certifier = Certifier(
      objective: objective, C: options.C, regularizesBias: options.regularizesBias)
    let goal = state.goal
    let result = try certifier.certify(
      weights: state.weights, bias: state.bias, referenceNorm: goal.referenceNorm,
      tolerance: options.tolerance, &state.elimination)
    state.passes += 1
    let certified = result.certificate.largestRatio
    let isConverged = result.isConverged(tolerance: options.tolerance)
    // Single precision is never the last word. In double precision nothing is left to gain where a
    // search failed along the gradient itself, or where the estimate is at rounding. A gap far above
    // the estimate, which does not know that stored weights are rounded, and that hardly becomes
    // smaller, is their rounding alone.
    let isExhausted =
      state.precision == .double
      && (isDone && (state.isStalled.contains(true) || goal.target < 1e-15)
        || goal.isStagnant(certified) && certified > 10 * relativeGap)
    if isConverged || isLast || isExhausted {
      return Solution(
        weights: result.weights, bias: result.bias, certificate: result.certificate,
        iterations: state.iterations, passes: state.passes, isConverged: isConverged)
    }
    if isDone { state.goal.target /= 10 }
    if state.precision == .double {
      state.goal.look(at: certified, state.iterations)
    } else {
      try continueInDouble(&state)
    }
    return nil
  }

  /// The state before the first iteration.
  private func begin(at start: Point?) throws -> LBFGSState {
    let all = [Double](repeating: 0, count: classCount)
    var state = makeState()
    try settle(&state, classes: Array(0..<classCount), allowed: all)
    state.goal.referenceNorm = state.gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    state.passes = 1
    if let start {
      (state.weights, state.bias) = (start.weights, start.bias)
      try restart(&state, classes: Array(0..<classCount), allowed: all)
      state.passes = 3
    }
    // The estimate leaves out the rounding of the weights: aim a little lower.
    state.goal.target = options.tolerance / 2
    return state
  }

  /// Runs until the estimated gap is within `target` of what it is measured by (`Estimate`), or
  /// nothing gets better; without a certificate. Collective.
  ///
  /// - Parameter previous: where an earlier call for the same objective ended; nil for zero weights.
  func approach(from previous: LBFGSState?, target: Double) throws -> LBFGSState {
    var state: LBFGSState
    if let found = try resume(.fold) {
      state = found
    } else {
      state = makeState()
      if let previous {
        (state.weights, state.bias) = (previous.weights, previous.bias)
        // The trail is retraced in the precision it was made in.
        (state.trail, state.precision) = (previous.trail, previous.precision)
      }
      try settle(
        &state, classes: Array(0..<classCount),
        allowed: [Double](repeating: 0, count: classCount))
    }
    while state.iterations < options.maximumIterations {
      try checkpointer?.pause(.fold) { state.record }
      if state.isStalled.contains(true) && state.precision == .single {
        try continueInDouble(&state)
      }
      let estimates = estimates(state)
      let active = groups.indices.filter {
        !estimates[$0].isWithin(target) && !state.isStalled[$0]
      }
      if active.isEmpty { break }
      try step(&state, active: active, estimates)
      state.iterations += 1
    }
    return state
  }

  private func makeState() -> LBFGSState {
    LBFGSState(
      weights: [Double](repeating: 0, count: classCount * width),
      bias: [Double](repeating: 0, count: classCount),
      gradient: [Double](repeating: 0, count: classCount * stride),
      loss: [Double](repeating: 0, count: classCount),
      residual: [Double](repeating: 0, count: classCount),
      massBounds: [Double](repeating: 0, count: classCount),
      isStalled: [Bool](repeating: false, count: groups.count),
      memory: LimitedMemory(
        classCount: classCount, stride: stride, groupCount: groups.count),
      elimination: BiasElimination(objective: objective, C: options.C),
      trail: LogitTrail(classCount: classCount, width: width))
  }

  /// The state to go on from, and the objective's logits there; nil to begin.
  private func resume(_ phase: Checkpointer.Phase) throws -> LBFGSState? {
    let state = try checkpointer?.resume(phase) { record in
      try LBFGSState(
        record, classCount: classCount, width: width, stride: stride, groupCount: groups.count,
        elimination: BiasElimination(objective: objective, C: options.C))
    }
    if let state {
      try state.trail.retrace(objective, stride: stride, precision: state.precision)
    }
    return state
  }

  /// Whether the target is within reach, by a gap that shrinks by the same factor each pass.
  private func isWorthwhile(
    _ passes: Int, from first: Double, to gap: Double, target: Double
  ) -> Bool {
    if worthwhilePasses == .max || gap <= target { return true }
    // The first passes tell little: curvature is not known yet.
    if passes < 7 { return true }
    // gap = first·q^passes, hence passes·log(first/target)/log(first/gap) until it is the target. Twice
    // as many as the other way takes are allowed for: the rate often improves.
    let needed = Double(passes) * log(first / target) / log(first / gap)
    return gap < first && passes < worthwhilePasses && needed <= 2 * Double(worthwhilePasses)
  }
}
