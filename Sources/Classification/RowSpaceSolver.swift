internal import Communication
internal import Tensors

/// Minimizes the training objective over coefficients of the rows, `W = Xᵀ·A`.
///
/// For no more rows than features. One product of the rows with each other (`GramMatrix`) takes the
/// place of all passes over the features but those that make and certify the weights, and second
/// derivatives become affordable: what L-BFGS creeps up to, large C on raw activations above all,
/// takes a few Newton steps here.
///
/// A class of the squared hinge is solved whole by one rank (`FiniteNewton`), from the same matrix
/// whichever rank it is.
struct RowSpaceSolver {
  let objective: Objective
  let options: TrainingOptions
  let communicator: any Communicator
  let team: ThreadTeam
  let progress: (TrainingProgress) -> Void

  /// Collective.
  func solve() throws -> Solution {
    let rows = objective.rows
    let gram = try GramMatrix(
      rows, regularizesBias: options.regularizesBias, communicator: communicator, team: team)
    let reference = referenceNorm(gram)
    if objective.loss == .squaredHinge {
      let (coefficients, bias, steps) = try solveHinge(gram)
      let result = try certify(gram, coefficients, bias, referenceNorm: reference)
      return solution(result, steps: steps, passes: 3)
    }
    let newton = RowSpaceNewton(
      gram: gram, loss: objective.loss, classCount: rows.classCount,
      regularizesBias: options.regularizesBias, communicator: communicator, team: team)
    var point = RowSpaceNewton.Point(
      coefficients: newton.zeros, bias: startingBias(), products: newton.zeros)
    var steps = 0
    for C in path(gram) {
      steps += try newton.minimize(
        &point, C: C, target: 0.03, maximumSteps: options.maximumIterations - steps
      ) { _, _ in }
    }
    // The estimate leaves out the rounding of the weights: aim a little lower.
    var target = options.tolerance / 2
    var passes = 1
    while true {
      let before = steps
      steps += try newton.minimize(
        &point, C: options.C, target: target, maximumSteps: options.maximumIterations - steps
      ) { value, gap in
        progress(
          TrainingProgress(
            iteration: steps, passes: passes, objective: value,
            relativeGap: gap / max(value, .leastNormalMagnitude)))
      }
      let bias =
        options.regularizesBias ? sums(of: point.coefficients) : point.bias
      let result = try certify(gram, point.coefficients, bias, referenceNorm: reference)
      passes += 2
      let isConverged = result.certificate.relativeGap <= options.tolerance
      let isExhausted = target < 1e-15 || (passes > 3 && steps == before)
      if isConverged || steps >= options.maximumIterations || isExhausted {
        return solution(result, steps: steps, passes: passes)
      }
      target /= 10
      point.products = try newton.multiply(point.coefficients)
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

  /// Smaller C to solve roughly first, each ten times the one before: far from the optimum of a
  /// large C Newton steps are short and their inner problems hard.
  private func path(_ gram: GramMatrix) -> [Double] {
    let trace = (0..<gram.rowCount).reduce(0) { $0 + gram.products[$1, $1] }
    var path: [Double] = []
    var C = options.C / 10
    while C * trace > 1000 && path.count < 12 {
      path.append(C)
      C /= 10
    }
    return path.reversed()
  }

  /// The best bias at W = 0; where it is regularized, it is a weight like the others.
  private func startingBias() -> [Double] {
    let counts = objective.rows.classCounts.map(Double.init)
    if options.regularizesBias { return counts.map { _ in 0 } }
    let total = counts.reduce(0, +)
    return counts.map { (objective.loss == .softmax ? $0 / total : $0 / (total - $0)).logarithm }
  }

  private func sums(of coefficients: [Double]) -> [Double] {
    let count = objective.rows.classCount
    var sums = [Double](repeating: 0, count: count)
    for (i, a) in coefficients.enumerated() { sums[i % count] += a }
    return sums
  }

  /// The norm of the gradient at W = 0 and the best bias there.
  private func referenceNorm(_ gram: GramMatrix) -> Double {
    let counts = objective.rows.classCounts.map(Double.init)
    let total = counts.reduce(0, +)
    let sums = gram.classSums(classCount: counts.count)
    let everything = sums.reduce(0) { $0 + $1.reduce(0, +) }
    var squaredNorm = 0.0
    for (k, n) in counts.enumerated() {
      // Residuals of the class's rows and of the others.
      var (own, other): (Double, Double)
      let share = options.regularizesBias ? 0.5 : n / total
      switch objective.loss {
      case .squaredHinge: (own, other) = (-4 * (1 - share), 4 * share)
      case .logistic: (own, other) = (share - 1, share)
      case .softmax:
        let p = options.regularizesBias ? 1 / Double(counts.count) : share
        (own, other) = (p - 1, p)
      }
      let crossed = sums[k].reduce(0, +) - sums[k][k]
      squaredNorm += own * own * sums[k][k] + 2 * own * other * crossed
      squaredNorm += other * other * (everything - sums[k][k] - 2 * crossed)
    }
    return options.C * max(0, squaredNorm).squareRoot()
  }

  /// Coefficients of the rows, `N×K`, the biases, and the most steps that a class took.
  private func solveHinge(
    _ gram: GramMatrix
  ) throws -> (coefficients: [Double], bias: [Double], steps: Int) {
    let (count, size) = (objective.rows.classCount, gram.rowCount)
    let newton = FiniteNewton(
      gram: gram.products, C: options.C, regularizesBias: options.regularizesBias,
      maximumSteps: options.maximumIterations)
    let targets = (0..<count).map { k in gram.labels.map { Int($0) == k ? 1.0 : -1.0 } }
    let starts = newton.minimaOnAllRows(targets)
    let own = (0..<count).filter { $0 % communicator.size == communicator.rank }
    let solved = team.map(own.count) { index, _ in
      newton.solve(targets: targets[own[index]], from: starts[own[index]])
    }
    // Of each class the bias, the steps and the coefficients.
    var values = [Double](repeating: 0, count: count * (size + 2))
    for (k, (point, steps)) in zip(own, solved) {
      let bias = options.regularizesBias ? point.coefficients.reduce(0, +) : point.bias
      values.replaceSubrange(
        k * (size + 2)..<(k + 1) * (size + 2), with: [bias, Double(steps)] + point.coefficients)
    }
    try communicator.share(&values)
    var coefficients = [Double](repeating: 0, count: size * count)
    var (bias, steps) = ([Double](), 0)
    for k in 0..<count {
      let base = k * (size + 2)
      bias.append(values[base])
      steps = max(steps, Int(values[base + 1]) + 1)
      for i in 0..<size { coefficients[i * count + k] = values[base + 2 + i] }
    }
    return (coefficients, bias, steps)
  }
}
