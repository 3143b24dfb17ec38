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

  /// Coefficients of the rows, `N×K`, the biases, and the steps it took to find them.
  struct Point {
    var coefficients: [Double]
    var bias: [Double]
    var steps: Int
  }

  /// Collective.
  func solve() throws -> Solution {
    let rows = objective.rows
    let gram = try GramMatrix(
      rows, regularizesBias: options.regularizesBias, communicator: communicator, team: team)
    var elimination = BiasElimination(objective: objective, C: options.C)
    let certifier = Certifier(
      objective: objective, C: options.C, regularizesBias: options.regularizesBias)
    let reference = referenceNorm(gram)
    let point = try solveHinge(gram)
    let weights = try objective.combination(
      coefficients: point.coefficients, offsets: gram.offsets)
    try objective.setLogits(weights: weights)
    let result = try certifier.certify(
      weights: weights, bias: point.bias, referenceNorm: reference, &elimination)
    progress(
      TrainingProgress(
        iteration: point.steps, passes: 3, objective: result.certificate.objective,
        relativeGap: result.certificate.relativeGap))
    return Solution(
      weights: result.weights, bias: result.bias, certificate: result.certificate,
      iterations: point.steps, passes: 3,
      isConverged: result.certificate.relativeGap <= options.tolerance)
  }

  /// The norm of the gradient at W = 0 and the best bias there.
  private func referenceNorm(_ gram: GramMatrix) -> Double {
    let counts = objective.rows.classCounts.map(Double.init)
    let total = counts.reduce(0, +)
    let all = Array(0..<gram.rowCount)
    var squaredNorm = 0.0
    for (k, n) in counts.enumerated() {
      // Residuals of the class's rows and of the others; up to a factor that all classes share.
      var (own, other): (Double, Double)
      let share = options.regularizesBias ? 0.5 : n / total
      switch objective.loss {
      case .squaredHinge: (own, other) = (-4 * (1 - share), 4 * share)
      case .logistic: (own, other) = (share - 1, share)
      case .softmax:
        let p = options.regularizesBias ? 1 / Double(counts.count) : share
        (own, other) = (p - 1, p)
      }
      let residuals = gram.labels.map { Int($0) == k ? own : other }
      let products = gram.products.combination(of: all, residuals)
      for i in all { squaredNorm += residuals[i] * products[i] }
    }
    return options.C * max(0, squaredNorm).squareRoot()
  }

  private func solveHinge(_ gram: GramMatrix) throws -> Point {
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
    var point = Point(
      coefficients: [Double](repeating: 0, count: size * count), bias: [], steps: 0)
    for k in 0..<count {
      let base = k * (size + 2)
      point.bias.append(values[base])
      point.steps = max(point.steps, Int(values[base + 1]) + 1)
      for i in 0..<size { point.coefficients[i * count + k] = values[base + 2 + i] }
    }
    return point
  }
}
