internal import Tensors

/// Minimizes the training objective over coefficients of the rows, `W = Xᵀ·A`, given the products of
/// the rows with each other: the kernel form of the problem, with the linear kernel.
///
/// The best weights lie in the row space of X, for any other part of W changes no logit and adds to
/// `‖W‖²` (the representer theorem). In A the objective is `½·tr(Aᵀ·G·A) + C·Σℓ(G·A + b)`, `G = X·Xᵀ`.
///
/// The features are not looked at: second derivatives are affordable here, and what L-BFGS creeps up
/// to, large C on raw activations above all, takes a few Newton steps. A class of the squared hinge
/// is solved whole by one rank (`FiniteNewton`), from the same matrix whichever rank it is.
struct RowSpaceSolver {
  let gram: GramMatrix
  let options: TrainingOptions
  let context: TrainingContext

  typealias Point = RowSpaceNewton.Point

  private var newton: RowSpaceNewton {
    RowSpaceNewton(
      gram: gram, loss: options.loss, regularizesBias: options.regularizesBias,
      context: context)
  }

  /// Zero coefficients and the best bias there; where it is regularized, it is a weight like the
  /// others.
  var start: Point {
    Point(coefficients: newton.zeros, bias: startingBias(), products: newton.zeros)
  }

  /// Goes on from a point until the estimated gap is within `target` of the objective and of all that
  /// weights can gain. Collective.
  ///
  /// The squared hinge is solved up to rounding whatever the target.
  ///
  /// - Parameters:
  ///   - warm: where to begin; nil for the start, by way of smaller C where that is far.
  ///   - found: how far an earlier call with the same parameters had come; nil to begin.
  ///   - pauses: where to tell how far this call has come.
  /// - Returns: the point, and the steps taken.
  func minimize(
    from warm: Point?, resuming found: State? = nil, target: Double, maximumSteps: Int,
    pauses: Pauses = .never,
    report: (_ steps: Int, _ objective: Double, _ ratio: Double) -> Void = { _, _, _ in }
  ) throws -> (point: Point, steps: Int) {
    if options.loss.function.usesFiniteNewton {
      return try solveHinge(from: warm, resuming: found, pauses: pauses)
    }
    var state = found ?? State(point: warm ?? start, isWarm: warm != nil)
    if found == nil && warm != nil {
      state.point.products = try newton.multiply(state.point.coefficients)
    }
    // A warm point is near: cross-validation takes the values of C in rising order.
    let path = state.isWarm ? [] : smallerC()
    while true {
      let isLast = state.stage == path.count
      var point = state.point
      state.point = .none
      let (before, shell) = (state.steps, state)
      let taken = try newton.minimize(
        &point, C: isLast ? options.C : path[state.stage],
        // Roughly, for it is only a start.
        target: isLast ? target : 0.03,
        maximumSteps: maximumSteps - before, from: state.stageSteps,
        pause: { point, step in
          try pauses.pause {
            var state = shell
            (state.point, state.stageSteps) = (point, step)
            return state
          }
        },
        report: { if isLast { report(before, $0, $1) } })
      state.point = point
      state.steps += taken
      if isLast { return (state.point, state.steps) }
      state.stage += 1
      state.stageSteps = 0
    }
  }

  /// The bias that belongs to a point, also where it is regularized.
  func bias(of point: Point) -> [Double] {
    options.regularizesBias && !options.loss.function.usesFiniteNewton
      ? sums(of: point.coefficients) : point.bias
  }

  /// Smaller C to solve roughly first, each ten times the one before: far from the optimum of a
  /// large C Newton steps are short and their inner problems hard.
  private func smallerC() -> [Double] {
    let trace = (0..<gram.rowCount).reduce(0) { $0 + gram.weights[$1] * gram.products[$1, $1] }
    var path: [Double] = []
    var C = options.C / 10
    // C·Σc‖x‖² bounds the largest eigenvalue of the loss's part of the Hessian, against 1 of the
    // regularizer's: below 1000 conjugate gradients take few iterations from anywhere.
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
    return masses.map { options.loss.function.startingBias(mass: $0, total: total) }
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
      let (own, other) = options.loss.function.startingResiduals(
        share: options.regularizesBias ? nil : mass / total, classCount: masses.count)
      let crossed = sums[k].reduce(0, +) - sums[k][k]
      // ‖own·S_k + other·(S − S_k)‖², S_k the weighted sum of class k's rows and S of all, by the sums of
      // products ⟨S_k, S_l⟩.
      squaredNorm += own * own * sums[k][k] + 2 * own * other * crossed
      squaredNorm += other * other * (everything - sums[k][k] - 2 * crossed)
    }
    return options.C * max(0, squaredNorm).squareRoot()
  }
}
