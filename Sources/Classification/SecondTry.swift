internal import Tensors

/// Other ways of solving small problems that ended above the tolerance: steep and badly scaled ones,
/// which second derivatives solve where L-BFGS cannot. They are quick, hence without checkpoints.
struct SecondTry {
  let prepared: PreparedRows
  let objective: Objective
  let options: TrainingOptions

  /// The best of a solution and what other ways find, by what is proved of it. Collective.
  ///
  /// - Parameter triedRows: whether the solution was found in terms of rows.
  func improve(
    _ solution: Solution, triedRows: Bool, progress: @escaping (TrainingProgress) -> Void
  ) throws -> Solution {
    // So low a limit is not met by problems that need another way, but by who wants to stop early.
    if solution.iterations >= options.maximumIterations && options.maximumIterations < 100 {
      return solution
    }
    var best = solution
    if options.loss.function.usesFiniteNewton && prepared.rows.rowCount <= 2048 {
      let shared = try DualRows(prepared.rows, options, prepared.context.withoutCheckpoints)
      let descent = DualDescent(
        shared, options, phase: .dual, isPatient: true, progress: progress)
      if let second = try descent.solve() { best = better(best, second) }
      if best.isConverged { return best }
    }
    if !triedRows && isQuickInRows {
      let second = try RowSpaceTraining(
        prepared: prepared, objective: objective, options: options, checkpointer: nil,
        progress: progress
      ).solve()
      best = better(best, second)
    }
    if best.isConverged || !DenseNewton.fits(prepared.rows, options.loss) { return best }
    return better(best, try solveDensely(from: best))
  }

  /// Whether factors of the rows' products, N³/3 multiplications a class and step, take seconds at most.
  private var isQuickInRows: Bool {
    let rows = prepared.rows
    return rows.rowCount <= 2048
      && Double(rows.classCount) * Double(rows.rowCount * rows.rowCount) * Double(rows.rowCount)
        < 2e10
  }

  /// On equal terms the first.
  private func better(_ a: Solution, _ b: Solution) -> Solution {
    b.certificate.largestRatio < a.certificate.largestRatio ? b : a
  }

  private func solveDensely(from solution: Solution) throws -> Solution {
    let newton = try DenseNewton(prepared.rows, options)
    var point = LBFGSSolver.Point(weights: solution.weights, bias: solution.bias)
    let steps = newton.improve(&point)
    let near = try certified(point, solution, steps: steps)
    if near.isConverged { return near }
    let only = BiasOnlyModel(
      loss: options.loss, classMasses: prepared.rows.classMasses, C: options.C,
      regularizesBias: options.regularizesBias)
    let (other, more) = newton.solve(bias: only.bias)
    return better(near, try certified(other, solution, steps: steps + more))
  }

  private func certified(
    _ point: LBFGSSolver.Point, _ solution: Solution, steps: Int
  ) throws -> Solution {
    try objective.setLogits(weights: point.weights)
    var elimination = BiasElimination(objective: objective, C: options.C)
    let certifier = Certifier(
      objective: objective, C: options.C, regularizesBias: options.regularizesBias)
    let reference = try RowSpaceSolver(
      gram: prepared.gram(options), options: options, context: prepared.context
    ).referenceNorm()
    let result = try certifier.certify(
      weights: point.weights, bias: point.bias, referenceNorm: reference,
      tolerance: options.tolerance, &elimination)
    return Solution(
      weights: result.weights, bias: result.bias, certificate: result.certificate,
      iterations: solution.iterations + steps, passes: solution.passes + 2,
      isConverged: result.isConverged(tolerance: options.tolerance))
  }
}
