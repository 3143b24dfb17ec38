internal import Communication
internal import Tensors

/// Trains in terms of the rows (`RowSpaceSolver`) and certifies on the features.
///
/// For no more rows than features. One product of the rows with each other (`GramMatrix`) takes the
/// place of all passes over the features but those that make and certify the weights.
struct RowSpaceTraining {
  let prepared: PreparedRows
  let objective: Objective
  let options: TrainingOptions
  let communicator: any Communicator
  let team: ThreadTeam
  let progress: (TrainingProgress) -> Void

  /// Collective.
  func solve() throws -> Solution {
    let gram = try prepared.gram(options)
    let solver = RowSpaceSolver(
      gram: gram, options: options, kernels: prepared.kernels, communicator: communicator,
      team: team)
    let reference = solver.referenceNorm()
    if objective.loss == .squaredHinge {
      let (point, steps) = try solver.minimize(
        from: nil, target: 0, maximumSteps: options.maximumIterations)
      let result = try certify(gram, point.coefficients, point.bias, referenceNorm: reference)
      return solution(result, steps: steps, passes: 3)
    }
    // The estimate leaves out the rounding of the weights: aim a little lower.
    var target = options.tolerance / 2
    var passes = 1
    var steps = 0
    var point: RowSpaceSolver.Point?
    while true {
      let before = steps
      let (next, taken) = try solver.minimize(
        from: point, target: target, maximumSteps: options.maximumIterations - steps
      ) { count, value, gap in
        progress(
          TrainingProgress(
            iteration: before + count, passes: passes, objective: value,
            relativeGap: gap / max(value, .leastNormalMagnitude)))
      }
      steps += taken
      let result = try certify(
        gram, next.coefficients, solver.bias(of: next), referenceNorm: reference)
      passes += 2
      let isConverged = result.certificate.relativeGap <= options.tolerance
      let isExhausted = target < 1e-15 || (passes > 3 && steps == before)
      if isConverged || steps >= options.maximumIterations || isExhausted {
        return solution(result, steps: steps, passes: passes)
      }
      target /= 10
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
      weights: weights, bias: bias, referenceNorm: referenceNorm, &elimination)
  }

  private func solution(_ result: Certifier.Result, steps: Int, passes: Int) -> Solution {
    Solution(
      weights: result.weights, bias: result.bias, certificate: result.certificate,
      iterations: steps, passes: passes,
      isConverged: result.certificate.relativeGap <= options.tolerance)
  }
}
