internal import Tensors

/// Trains in terms of the rows (`RowSpaceSolver`) and certifies on the features.
///
/// For no more rows than features. One product of the rows with each other (`GramMatrix`) takes the
/// place of all passes over the features but those that make and certify the weights.
struct RowSpaceTraining {
  let prepared: PreparedRows
  let objective: Objective
  let options: TrainingOptions
  let checkpointer: Checkpointer?
  let progress: (TrainingProgress) -> Void

  /// How far training has come, beside the solver.
  private struct State {
    /// The estimated gap to reach, relative to the objective.
    var target: Double
    var passes = 1
    var steps = 0

    var record: CheckpointRecord {
      var record = CheckpointRecord()
      record.numbers["target"] = [target]
      record.counts = ["passes": [passes], "steps": [steps]]
      return record
    }

    init(target: Double) { self.target = target }

    init(_ record: CheckpointRecord) throws {
      target = try record.numbers("target", 1)[0]
      passes = try record.count("passes")
      steps = try record.count("steps")
    }
  }

  /// Collective.
  func solve() throws -> Solution {
    let gram = try prepared.gram(options)
    let solver = RowSpaceSolver(gram: gram, options: options, context: prepared.context)
    let reference = solver.referenceNorm()
    // The estimate leaves out the rounding of the weights: aim a little lower.
    var state = State(target: options.tolerance / 2)
    var found: RowSpaceSolver.State?
    var point: RowSpaceSolver.Point?
    let resumed = try checkpointer?.resume(.rows) { record in
      let inner = try RowSpaceSolver.State(
        record.part("solver"), rowCount: gram.rowCount, classCount: gram.classCount)
      return (try State(record.part("training")), inner)
    }
    if let resumed { (state, found) = resumed }
    while true {
      let before = state
      let pauses = checkpointer?.pauses(.rows) { record in
        var whole = CheckpointRecord()
        whole.add(before.record, as: "training")
        whole.add(record, as: "solver")
        return whole
      }
      let (next, taken) = try solver.minimize(
        from: point, resuming: found, target: state.target,
        maximumSteps: options.maximumIterations - state.steps, pauses: pauses ?? .never
      ) { count, value, ratio in
        progress(
          TrainingProgress(
            iteration: before.steps + count, passes: before.passes, objective: value,
            relativeGap: min(ratio, 1)))
      }
      found = nil
      state.steps += taken
      let result = try certify(
        gram, next.coefficients, solver.bias(of: next),
        referenceNorm: reference)
      state.passes += 2
      let isConverged = result.isConverged(tolerance: options.tolerance)
      // Finite Newton has no better answer, nor has Newton's method once the target is at rounding, or
      // once a lower one brought no step: what is left is the rounding of the stored weights.
      let isExhausted =
        options.loss.function.usesFiniteNewton || state.target < 1e-15
        || (state.passes > 3 && state.steps == before.steps)
      if isConverged || state.steps >= options.maximumIterations || isExhausted {
        return solution(result, steps: state.steps, passes: state.passes)
      }
      state.target /= 10
      point = next
    }
  }

  /// The weights of some coefficients, as they will be stored, and their certificate.
  private func certify(
    _ gram: GramMatrix, _ coefficients: [Double], _ bias: [Double], referenceNorm: Double
  ) throws -> Certifier.Result {
    var elimination = BiasElimination(objective: objective, C: options.C)
    let certifier = Certifier(
      objective: objective, C: options.C, regularizesBias: options.regularizesBias)
    let weights = try objective.combination(coefficients: coefficients, offsets: gram.offsets)
    try objective.setLogits(weights: weights)
    return try certifier.certify(
      weights: weights, bias: bias, referenceNorm: referenceNorm,
      tolerance: options.tolerance, &elimination)
  }

  private func solution(_ result: Certifier.Result, steps: Int, passes: Int) -> Solution {
    Solution(
      weights: result.weights, bias: result.bias, certificate: result.certificate,
      iterations: steps, passes: passes,
      isConverged: result.isConverged(tolerance: options.tolerance))
  }
}
