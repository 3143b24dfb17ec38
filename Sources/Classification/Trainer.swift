package import Communication
package import Tensors

/// How far training has come; the gap is an estimate until the certificate is made.
package struct TrainingProgress: Sendable {
  package let iteration: Int
  /// Times that the rows were multiplied with weights and back.
  package let passes: Int
  package let objective: Double
  package let relativeGap: Double
}

/// A linear classifier's parameters and how they came about.
package struct TrainingResult: Sendable {
  /// `K×D`, row-major.
  ///
  /// Numbers of single precision, but where their rounding would keep the gap above the tolerance.
  package let weights: [Double]
  package let bias: [Double]
  /// Names of the K classes: those with training rows.
  package let classes: [String]
  /// What was done to features, and must be in prediction; nil for nothing.
  package let scaling: FeatureScaling?
  /// What the losses of each class's rows are multiplied with, beside the rows' own weights.
  package let classWeights: [Double]
  package let certificate: Certificate
  package let isConverged: Bool
  /// Whether training stopped because nothing got better any more, not at the limit.
  package let isExhausted: Bool
  package let iterations: Int
  package let passes: Int
  /// Rows trained on, and rows left out because they failed or have no label.
  package let rowCount: Int
  package let failedCount: Int
  package let unlabelledCount: Int
}

/// Trains linear classifiers on the rows of a store, each rank on its own blocks of rows.
///
/// The result is the same to the byte for any number of ranks and threads: products are made on
/// blocks fixed by the store, and all sums over blocks are exact.
///
/// The squared hinge is solved by its dual on the few rows that matter (`DualDescent`), where these are
/// few. Other problems with more rows than features are solved by L-BFGS in the weights
/// (`LBFGSSolver`), those with no more rows than features in that way or by Newton's method in
/// coefficients of the rows (`RowSpaceTraining`), whichever seems to take less work; see
/// `TrainingMethod`. Each ends with a certificate of the stored weights on the rows themselves.
package struct Trainer {
  package let options: TrainingOptions
  private let communicator: any Communicator
  private let team: ThreadTeam
  private let checkpointer: Checkpointer?

  /// - Parameter checkpointer: what keeps and takes up an unfinished training; for one training.
  /// - Throws: `ClassificationError.invalidOptions`.
  package init(
    _ options: TrainingOptions, communicator: any Communicator, team: ThreadTeam,
    checkpointer: Checkpointer? = nil
  ) throws {
    try options.validate()
    self.checkpointer = checkpointer
    self.options = options
    self.communicator = communicator
    self.team = team
  }

  /// Trains on all labelled rows of `source`.
  ///
  /// Collective: every rank must call this with the same rows; each has the result afterwards.
  ///
  /// - Parameters:
  ///   - start: a classifier to begin with, for the same features; its classes are known by name, and
  ///     others begin at zero. Whatever it is, the result is as good.
  ///   - progress: called on every rank after each iteration.
  /// - Throws: `ClassificationError` for rows that cannot be trained on; `TrainingStopped` where the
  ///   checkpointer says so; the errors of the source and of the communicator.
  package func train(
    _ source: any RowSource, from start: Classifier? = nil,
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) throws -> TrainingResult {
    let prepared = try prepare(source)
    let begin = start.map { point($0, for: prepared) }
    return try train(prepared, options, from: begin, progress: progress)
  }

  /// A classifier's weights for the classes that have rows.
  private func point(_ start: Classifier, for prepared: PreparedRows) -> LBFGSSolver.Point {
    precondition(start.width == prepared.rows.width, "a classifier of other features")
    let names = prepared.rows.source.classNames
    // By bytes: Swift takes differently composed names for equal.
    let known = start.classes.map { Array($0.utf8) }
    var point = LBFGSSolver.Point(weights: [], bias: [])
    for label in prepared.rows.classes {
      guard let k = known.firstIndex(of: Array(names[label].utf8)) else {
        point.bias.append(0)
        point.weights += [Double](repeating: 0, count: start.width)
        continue
      }
      point.bias.append(start.bias[k])
      point.weights += start.weights[k * start.width..<(k + 1) * start.width]
    }
    return point
  }

  /// How often each C of `path` is right on rows held out, whatever `options.C`.
  ///
  /// Collective, as `train`.
  ///
  /// - Parameters:
  ///   - path: values of C, in any order.
  ///   - assignment: which rows are held out when; made for `source`.
  ///   - progress: called on every rank after each fold and C.
  /// - Throws: also `ClassificationError.unusableFold`.
  package func crossValidate(
    _ source: any RowSource, path: [Double], assignment: FoldAssignment,
    progress: @escaping (_ fold: Int, _ C: Double) -> Void = { _, _ in }
  ) throws -> CrossValidation {
    try crossValidate(prepare(source), path, assignment, progress)
  }

  /// Trains with the C of `path` that is right most often on rows held out.
  ///
  /// The result is the classifier that `train` gives with that C. Collective, as `train`.
  ///
  /// - Parameter chosen: gets the validation when it is complete, on every rank alike; what it throws
  ///   ends training.
  package func train(
    _ source: any RowSource, path: [Double], assignment: FoldAssignment,
    foldProgress: @escaping (_ fold: Int, _ C: Double) -> Void = { _, _ in },
    chosen: (CrossValidation) throws -> Void = { _ in },
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) throws -> (result: TrainingResult, validation: CrossValidation) {
    let prepared = try prepare(source)
    let validation = try crossValidate(prepared, path, assignment, foldProgress)
    try chosen(validation)
    var options = options
    options.C = validation.best.C
    return (try train(prepared, options, progress: progress), validation)
  }

  private func prepare(_ source: any RowSource) throws -> PreparedRows {
    try PreparedRows(
      source, options: options,
      TrainingContext(communicator: communicator, team: team, checkpointer: checkpointer))
  }

  private func crossValidate(
    _ prepared: PreparedRows, _ path: [Double], _ assignment: FoldAssignment,
    _ progress: @escaping (Int, Double) -> Void
  ) throws -> CrossValidation {
    precondition(
      assignment.folds.count == prepared.cleanRows.source.rowCount, "folds of other rows")
    for C in path {
      var options = options
      options.C = C
      try options.validate()
    }
    return try CrossValidator(
      prepared: prepared, options: options, assignment: assignment, path: Set(path).sorted(),
      progress: progress
    ).run()
  }

  private func train(
    _ prepared: PreparedRows, _ options: TrainingOptions, from start: LBFGSSolver.Point? = nil,
    progress: @escaping (TrainingProgress) -> Void
  ) throws -> TrainingResult {
    let (rows, clean) = (prepared.rows, prepared.cleanRows)
    let solution = try solve(prepared, options, from: start, progress: progress)
    let names = rows.source.classNames
    return TrainingResult(
      weights: solution.weights, bias: solution.bias, classes: rows.classes.map { names[$0] },
      scaling: prepared.scaling, classWeights: rows.classFactors,
      certificate: solution.certificate, isConverged: solution.isConverged,
      isExhausted: !solution.isConverged && solution.iterations < options.maximumIterations,
      iterations: solution.iterations, passes: solution.passes, rowCount: clean.rowCount,
      failedCount: clean.failedCount, unlabelledCount: clean.unlabelledCount)
  }

  /// Solves the problem in whichever unknowns suit it; see `TrainingMethod`.
  private func solve(
    _ prepared: PreparedRows, _ options: TrainingOptions, from start: LBFGSSolver.Point?,
    progress: @escaping (TrainingProgress) -> Void
  ) throws -> Solution {
    if solvesByDualDescent(options) {
      let shared = try DualRows(prepared.rows, options, prepared.context)
      // Where what follows would be factorizations, not passes over the rows, it is the quickest anyhow.
      let descent = DualDescent(
        shared, options, phase: .dual, takesLongLists: prepared.fitsRowSpace, progress: progress)
      if let solution = try descent.solve(from: start) { return solution }
    }
    let objective = Objective(rows: prepared.rows, loss: options.loss, prepared.context)
    let passes = worthwhilePasses(prepared)
    // A few passes cost more than small problems take in terms of rows, which know no start; finite
    // Newton steps take L-BFGS's place sooner, for that is slow at the squared hinge.
    let fewest = options.loss.function.usesFiniteNewton ? 24 : 12
    let wasGivenUp = checkpointer?.isPending(.rows) ?? false
    if (passes >= fewest || start != nil) && !wasGivenUp {
      let solver = LBFGSSolver(
        objective: objective, options: options, worthwhilePasses: passes, progress: progress)
      if let solution = try solver.solve(from: start) {
        if solution.isConverged || options.method == .featureSpace { return solution }
        return try SecondTry(prepared: prepared, objective: objective, options: options)
          .improve(solution, triedRows: false, progress: progress)
      }
    }
    let solution = try RowSpaceTraining(
      prepared: prepared, objective: objective, options: options, checkpointer: checkpointer,
      progress: progress
    ).solve()
    if solution.isConverged || options.method == .rowSpace { return solution }
    return try SecondTry(prepared: prepared, objective: objective, options: options)
      .improve(solution, triedRows: true, progress: progress)
  }

  /// Whether to try the dual of the squared hinge first; not where it was given up.
  private func solvesByDualDescent(_ options: TrainingOptions) -> Bool {
    DualDescent.isMeant(for: options) && !(checkpointer?.isPending(.rows) ?? false)
      && !(checkpointer?.isPending(.descent) ?? false)
  }

  /// Passes over the features that take about as long as solving the problem in terms of rows.
  ///
  /// A pass is 4NDK operations in single precision; the products of the rows are N²D in double
  /// precision, and what follows takes a few passes more. The constants were measured on
  /// 295×4096×10, 1000×9216×20 and 3060×4096×102.
  private func worthwhilePasses(_ prepared: PreparedRows) -> Int {
    let rows = prepared.rows
    switch options.method {
    case .featureSpace, .dual: return .max
    case .rowSpace: return 0
    case .automatic:
      if !prepared.fitsRowSpace { return .max }
      // N²D / 4NDK = N/4K passes, were double precision as fast; with 6 for what follows.
      return rows.rowCount / (3 * rows.classCount) + 6
    }
  }
}
