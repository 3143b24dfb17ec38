internal import Communication
internal import Tensors

/// Minimizes the training objective over coefficients of the rows, `W = Xᵀ·A`, given the products of
/// the rows with each other.
///
/// The features are not looked at: second derivatives are affordable here, and what L-BFGS creeps up
/// to, large C on raw activations above all, takes a few Newton steps. A class of the squared hinge
/// is solved whole by one rank (`FiniteNewton`), from the same matrix whichever rank it is.
struct RowSpaceSolver {
  let gram: GramMatrix
  let options: TrainingOptions
  let kernels: DenseKernels
  let communicator: any Communicator
  let team: ThreadTeam

  typealias Point = RowSpaceNewton.Point

  private var newton: RowSpaceNewton {
    RowSpaceNewton(
      gram: gram, loss: options.loss, regularizesBias: options.regularizesBias,
      kernels: kernels, communicator: communicator, team: team)
  }

  /// Zero coefficients and the best bias there; where it is regularized, it is a weight like the
  /// others.
  var start: Point {
    Point(coefficients: newton.zeros, bias: startingBias(), products: newton.zeros)
  }

  /// Goes on from a point until the estimated gap is within `target` of the objective. Collective.
  ///
  /// The squared hinge is solved up to rounding whatever the target.
  ///
  /// - Parameter warm: where to begin; nil for the start, by way of smaller C where that is far.
  /// - Returns: the point, and the steps taken.
  func minimize(
    from warm: Point?, target: Double, maximumSteps: Int,
    report: (_ steps: Int, _ objective: Double, _ gap: Double) -> Void = { _, _, _ in }
  ) throws -> (point: Point, steps: Int) {
    if options.loss == .squaredHinge { return try solveHinge(from: warm) }
    var point = warm ?? start
    var steps = 0
    if warm == nil {
      for C in path() {
        steps += try newton.minimize(
          &point, C: C, target: 0.03, maximumSteps: maximumSteps - steps
        ) { _, _ in }
      }
    } else {
      point.products = try newton.multiply(point.coefficients)
    }
    let before = steps
    steps += try newton.minimize(
      &point, C: options.C, target: target, maximumSteps: maximumSteps - steps
    ) { report(before, $0, $1) }
    return (point, steps)
  }

  /// The bias that belongs to a point, also where it is regularized.
  func bias(of point: Point) -> [Double] {
    options.regularizesBias && options.loss != .squaredHinge
      ? sums(of: point.coefficients) : point.bias
  }

  /// Smaller C to solve roughly first, each ten times the one before: far from the optimum of a
  /// large C Newton steps are short and their inner problems hard.
  private func path() -> [Double] {
    let trace = (0..<gram.rowCount).reduce(0) { $0 + gram.weights[$1] * gram.products[$1, $1] }
    var path: [Double] = []
    var C = options.C / 10
    while C * trace > 1000 && path.count < 12 {
      path.append(C)
      C /= 10
    }
    return path.reversed()
  }

  private func startingBias() -> [Double] {
    let masses = gram.classMasses
    if options.regularizesBias { return masses.map { _ in 0 } }
    let total = masses.reduce(0, +)
    return masses.map { (options.loss == .softmax ? $0 / total : $0 / (total - $0)).logarithm }
  }

  private func sums(of coefficients: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: gram.classCount)
    for (i, a) in coefficients.enumerated() { sums[i % gram.classCount] += a }
    return sums
  }

  /// The norm of the gradient at W = 0 and the best bias there.
  func referenceNorm() -> Double {
    let masses = gram.classMasses
    let total = masses.reduce(0, +)
    let sums = gram.classSums()
    let everything = sums.reduce(0) { $0 + $1.reduce(0, +) }
    var squaredNorm = 0.0
    for (k, mass) in masses.enumerated() {
      // Residuals of the class's rows and of the others.
      var (own, other): (Double, Double)
      let share = options.regularizesBias ? 0.5 : mass / total
      switch options.loss {
      case .squaredHinge: (own, other) = (-4 * (1 - share), 4 * share)
      case .logistic: (own, other) = (share - 1, share)
      case .softmax:
        let p = options.regularizesBias ? 1 / Double(masses.count) : share
        (own, other) = (p - 1, p)
      }
      let crossed = sums[k].reduce(0, +) - sums[k][k]
      squaredNorm += own * own * sums[k][k] + 2 * own * other * crossed
      squaredNorm += other * other * (everything - sums[k][k] - 2 * crossed)
    }
    return options.C * max(0, squaredNorm).squareRoot()
  }

  /// The classes shared out over ranks and threads.
  private func solveHinge(from warm: Point?) throws -> (point: Point, steps: Int) {
    let (count, size) = (gram.classCount, gram.rowCount)
    let newton = FiniteNewton(
      gram: gram.products, weights: gram.weights, C: options.C,
      regularizesBias: options.regularizesBias, maximumSteps: options.maximumIterations,
      kernels: kernels)
    let targets = (0..<count).map { k in gram.labels.map { Int($0) == k ? 1.0 : -1.0 } }
    let own = (0..<count).filter { $0 % communicator.size == communicator.rank }
    var starts =
      warm.map { point in own.map { column(of: point, $0) } }
      ?? team.map(own.count) { index, _ in newton.start(targets: targets[own[index]]) }
    // Classes without a row outside the margin share one factorization of all.
    let whole = own.indices.filter {
      newton.isActiveEverywhere(starts[$0], targets[own[$0]])
    }
    if !whole.isEmpty {
      let minima = newton.minimaOnAllRows(whole.map { targets[own[$0]] }, team: team)
      for (index, point) in zip(whole, minima) { starts[index] = point }
    }
    let solved = team.map(own.count) { [starts] index, _ -> (FiniteNewton.Point, steps: Int) in
      if whole.contains(index) && newton.isActiveEverywhere(starts[index], targets[own[index]]) {
        return (starts[index], 1)
      }
      return newton.solve(targets: targets[own[index]], from: starts[index])
    }
    // Of each class the bias, the steps, the coefficients and their products.
    let length = 2 * size + 2
    var values = [Double](repeating: 0, count: count * length)
    for (k, (point, steps)) in zip(own, solved) {
      let bias = options.regularizesBias ? point.coefficients.reduce(0, +) : point.bias
      values.replaceSubrange(
        k * length..<(k + 1) * length,
        with: [bias, Double(steps)] + point.coefficients + point.products)
    }
    try communicator.share(&values)
    var result = Point(
      coefficients: [Double](repeating: 0, count: size * count), bias: [],
      products: [Double](repeating: 0, count: size * count))
    var steps = 0
    for k in 0..<count {
      let base = k * length
      result.bias.append(values[base])
      steps = max(steps, Int(values[base + 1]) + 1)
      for i in 0..<size {
        result.coefficients[i * count + k] = values[base + 2 + i]
        result.products[i * count + k] = values[base + 2 + size + i]
      }
    }
    return (result, steps)
  }

  /// One class of a point.
  private func column(of point: Point, _ k: Int) -> FiniteNewton.Point {
    let (count, size) = (gram.classCount, gram.rowCount)
    return FiniteNewton.Point(
      coefficients: (0..<size).map { point.coefficients[$0 * count + k] },
      bias: options.regularizesBias ? 0 : point.bias[k],
      products: (0..<size).map { point.products[$0 * count + k] })
  }
}
