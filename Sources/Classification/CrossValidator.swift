internal import Communication
internal import Tensors

/// Trains on all folds but one and tries the classifier on that one, for every fold and every C.
///
/// The rows are read and looked at once. Where a fold's problem is solved in terms of rows, all folds
/// share one matrix of products: a fold's is a sub-block of it, held-out rows are scored by other
/// elements of it, and the features are not touched again. Along the path each C starts from the one
/// before.
struct CrossValidator {
  let prepared: PreparedRows
  let options: TrainingOptions
  let assignment: FoldAssignment
  /// In rising order.
  let path: [Double]
  let communicator: any Communicator
  let team: ThreadTeam
  /// Called after each fold and C, on every rank.
  let progress: (_ fold: Int, _ C: Double) -> Void

  /// The gap at which a fold's classifier is good enough to compare: its accuracy no longer moves.
  static let tolerance = 1e-4

  /// Collective: every rank must call this; each has the result afterwards.
  ///
  /// - Throws: `ClassificationError.unusableFold` for one that leaves fewer than two classes to train
  ///   on, or holds no row out.
  func run() throws -> CrossValidation {
    let usesGram = prepared.solvesInRowSpace(options)
    var correct = [[Int]](repeating: [], count: path.count)
    var heldOut: [Int] = []
    for fold in 0..<assignment.foldCount {
      let counts =
        usesGram ? try scoreInRowSpace(fold) : try scoreInFeatureSpace(fold)
      for c in path.indices { correct[c].append(counts.correct[c]) }
      heldOut.append(counts.total)
    }
    return CrossValidation(
      heldOut: heldOut,
      candidates: zip(path, correct).map { CrossValidation.Candidate(C: $0, correct: $1) })
  }

  private func options(C: Double) -> TrainingOptions {
    var options = options
    options.C = C
    return options
  }

  private func isHeldOut(_ row: Int, _ fold: Int) -> Bool { assignment.folds[row] == fold }

  /// Turns the complaint that training rows are too few into one about the fold.
  private func checking<T>(_ fold: Int, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as ClassificationError {
      switch error {
      case .noRows, .oneClass:
        throw ClassificationError.unusableFold(
          source: prepared.rows.source.name, fold: fold, foldCount: assignment.foldCount)
      default: throw error
      }
    }
  }

  private func checkNotEmpty(_ total: Int, _ fold: Int) throws {
    if total == 0 {
      throw ClassificationError.unusableFold(
        source: prepared.rows.source.name, fold: fold, foldCount: assignment.foldCount)
    }
  }

  // MARK: In terms of the features

  private func scoreInFeatureSpace(_ fold: Int) throws -> (correct: [Int], total: Int) {
    let all = prepared.rows
    let rows = try checking(fold) {
      try LocalRows(all, options: options, communicator: communicator) {
        !isHeldOut(prepared.cleanRow($0), fold)
      }
    }
    let objective = Objective(
      rows: rows, loss: options.loss, kernels: prepared.kernels, communicator: communicator,
      team: team, workspaces: prepared.workspaces)
    var point: LBFGSSolver.Point?
    var weights: [Float] = []
    var bias: [Double] = []
    for C in path {
      let solver = LBFGSSolver(
        objective: objective, options: options(C: C), team: team, progress: { _ in })
      let found = try solver.approach(from: point, target: Self.tolerance)
      weights += found.weights.map(Float.init)
      bias += found.bias
      point = found
      progress(fold, C)
    }
    let count = rows.classCount
    let held = prepared.cleanRows.heldOut { isHeldOut($0, fold) }
    let scorer =
      prepared.dropout == nil
      ? objective
      : Objective(
        rows: prepared.cleanRows, loss: options.loss, kernels: prepared.kernels,
        communicator: communicator, team: team, workspaces: prepared.workspaces)
    let logits = try scorer.scores(of: held, weights: weights, count: count * path.count)
    var counts = [Int64](repeating: 0, count: path.count + 1)
    for (block, logits) in zip(held, logits) {
      for i in 0..<block.count {
        let label = all.classes[Int(block.labels[i])]
        counts[path.count] += 1
        for c in path.indices {
          let scores = (0..<count).map {
            Double(logits[i * count * path.count + c * count + $0]) + bias[c * count + $0]
          }
          if rows.classes[Self.best(scores)] == label { counts[c] += 1 }
        }
      }
    }
    try communicator.allreduce(&counts, .sum)
    try checkNotEmpty(Int(counts[path.count]), fold)
    return (counts.dropLast().map(Int.init), Int(counts[path.count]))
  }

  // MARK: In terms of the rows

  private func scoreInRowSpace(_ fold: Int) throws -> (correct: [Int], total: Int) {
    let all = try prepared.gram(options)
    let held = all.rows.indices.filter { isHeldOut(all.rows[$0], fold) }
    let kept = all.rows.indices.filter { !isHeldOut(all.rows[$0], fold) }
    try checkNotEmpty(held.count, fold)
    let classes = prepared.rows.classes
    var counts = [Int](repeating: 0, count: prepared.rows.source.classNames.count)
    for i in kept { counts[classes[Int(all.labels[i])]] += 1 }
    let shape = try checking(fold) {
      try ClassShape(
        counts: counts, source: prepared.rows.source, options: options, failedCount: 0,
        unlabelledCount: 0)
    }
    let labels = kept.map { shape.position[classes[Int(all.labels[$0])]] }
    let weights = zip(kept, labels).map { i, label in
      prepared.rows.source.weight(of: all.rows[i]) * shape.factors[Int(label)]
    }
    let gram = GramMatrix(
      all, indices: kept, labels: labels, weights: weights, classCount: shape.classes.count)
    var point: RowSpaceSolver.Point?
    var correct: [Int] = []
    for C in path {
      let solver = RowSpaceSolver(
        gram: gram, options: options(C: C), kernels: prepared.kernels,
        communicator: communicator, team: team)
      let found = try solver.minimize(
        from: point, target: Self.tolerance, maximumSteps: options.maximumIterations
      ).point
      correct.append(
        try countCorrect(
          held, kept, of: all, coefficients: found.coefficients,
          // Where the bias is regularized the products hold it.
          bias: options.regularizesBias ? found.bias.map { _ in 0 } : found.bias,
          classes: shape.classes.map { Int32(classes.firstIndex(of: $0)!) }))
      point = found
      progress(fold, C)
    }
    return (correct, held.count)
  }

  /// How many held-out rows get their own class; blocks of them are shared out over the ranks.
  private func countCorrect(
    _ held: [Int], _ kept: [Int], of all: GramMatrix, coefficients: [Double], bias: [Double],
    classes: [Int32]
  ) throws -> Int {
    let blocks = RowPartition.blocks(rowCount: held.count)
    let own = blocks.indices.filter { $0 % communicator.size == communicator.rank }
    let (count, kernels) = (classes.count, prepared.kernels)
    let packed = PackedMatrix<Double>()
    kernels.pack(
      coefficients.span, .init(leadingDimension: count), depth: kept.count, columns: count,
      into: packed)
    let counts = team.map(own.count) { index, _ -> Int64 in
      let rows = Array(held[blocks[own[index]]])
      let products = all.products.elements(rows: rows, columns: kept)
      var scores = [Double](repeating: 0, count: rows.count * count)
      kernels.multiply(
        rows: rows.count, products.span, .init(leadingDimension: kept.count), packed,
        into: &scores, .init(leadingDimension: count))
      var correct: Int64 = 0
      for (i, row) in rows.enumerated() {
        let best = Self.best((0..<count).map { scores[i * count + $0] + bias[$0] })
        if classes[best] == all.labels[row] { correct += 1 }
      }
      return correct
    }
    var total = [counts.reduce(0, +)]
    try communicator.allreduce(&total, .sum)
    return Int(total[0])
  }

  private static func best(_ scores: [Double]) -> Int {
    var best = 0
    for k in scores.indices where scores[k] > scores[best] { best = k }
    return best
  }
}
