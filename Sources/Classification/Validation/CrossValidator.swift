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
  /// Called after each fold and C, on every rank.
  var progress: (_ fold: Int, _ C: Double) -> Void = { _, _ in }

  /// The gap at which a fold's classifier is good enough to compare, relative to the objective and to
  /// all that weights can gain.
  ///
  /// At 1e-4 of the objective alone small C had not learned anything yet; as it is, accuracies are
  /// those of the optima, which `FoldToleranceTests` compares with.
  static let usualTolerance = 1e-8
  var tolerance = Self.usualTolerance

  private var context: TrainingContext { prepared.context }
  /// Its results are the folds and values of C done with.
  private var checkpointer: Checkpointer? { context.checkpointer }

  /// Collective: every rank must call this; each has the result afterwards.
  ///
  /// - Throws: `ClassificationError.unusableFold` for one that leaves fewer than two classes to train
  ///   on, or holds no row out.
  func run() throws -> CrossValidation {
    let usesGram = prepared.solvesInRowSpace(options)
    var (correct, heldOut) = try finishedFolds()
    for fold in heldOut.count..<assignment.foldCount {
      let counts =
        usesGram ? try scoreInRowSpace(fold) : try scoreInFeatureSpace(fold)
      correct.append(counts.correct)
      heldOut.append(counts.total)
      var results = CheckpointRecord()
      results.counts = ["correct": correct.flatMap { $0 }, "held-out": heldOut]
      checkpointer?.results = results
    }
    return CrossValidation(
      heldOut: heldOut,
      candidates: path.indices.map { c in
        CrossValidation.Candidate(C: path[c], correct: correct.map { $0[c] })
      })
  }

  /// What a checkpoint knows: of each fold the rows that each C got right, and all.
  private func finishedFolds() throws -> (correct: [[Int]], heldOut: [Int]) {
    guard let checkpointer, !checkpointer.results.isEmpty else { return ([], []) }
    return try checkpointer.understanding {
      let results = checkpointer.results
      // Its first fold is not finished: there are results of some C alone.
      if results.counts["held-out"] == nil { return ([], []) }
      let heldOut = try results.counts("held-out")
      let correct = try results.counts("correct", heldOut.count * path.count)
      guard heldOut.count <= assignment.foldCount else {
        throw CheckpointRecord.MissingEntry(name: "held-out")
      }
      return (
        heldOut.indices.map { Array(correct[$0 * path.count..<($0 + 1) * path.count]) }, heldOut
      )
    }
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
      try LocalRows(all, options: options, context) {
        !isHeldOut(prepared.cleanRow($0), fold)
      }
    }
    let (weights, bias) = try approachPath(rows, fold)
    // The logits of noised rows are of no use for clean ones.
    let scorer =
      Objective(
        rows: prepared.dropout == nil ? rows : prepared.cleanRows, loss: options.loss, context)
    let held = prepared.cleanRows.heldOut { isHeldOut($0, fold) }
    var counts = try countCorrect(
      held, classes: rows.classes, weights: weights, bias: bias, by: scorer)
    counts.append(Int64(held.reduce(0) { $0 + $1.count }))
    try context.communicator.allreduce(&counts, .sum)
    try checkNotEmpty(Int(counts[path.count]), fold)
    return (counts.dropLast().map(Int.init), Int(counts[path.count]))
  }

  /// Weights, K×D, for each C of the path, and biases, K for each.
  private func approachPath(
    _ rows: LocalRows, _ fold: Int
  ) throws -> (weights: [[Float]], bias: [Double]) {
    let (count, width) = (rows.classCount, rows.width)
    var descent = FoldDescent(
      rows: rows, options: options, tolerance: tolerance, context: context)
    // Those of the values of C done with, which a checkpoint keeps.
    var weights = checkpointer?.results.vectors["fold-weights"] ?? []
    var bias = checkpointer?.results.numbers["fold-bias"] ?? []
    guard weights.allSatisfy({ $0.count == count * width }), weights.count <= path.count,
      bias.count == weights.count * count
    else { throw invalid("fold-weights") }
    for C in path[weights.count...] {
      let found = try descent.approach(C)
      weights.append(found.weights.map(Float.init))
      bias += found.bias
      checkpointer?.results.vectors["fold-weights"] = weights
      checkpointer?.results.numbers["fold-bias"] = bias
      progress(fold, C)
    }
    return (weights, bias)
  }

  /// How many of this rank's held-out rows get their own class, by each C of the path.
  ///
  /// All values of C are scored in one product, so that the features are read once.
  ///
  /// - Parameter classes: those trained on, as labels.
  private func countCorrect(
    _ held: [RowBlock], classes: [Int], weights: [[Float]], bias: [Double], by scorer: Objective
  ) throws -> [Int64] {
    let count = classes.count
    let logits = try scorer.scores(
      of: held, weights: weights.flatMap { $0 }, count: count * path.count)
    var counts = [Int64](repeating: 0, count: path.count)
    for (block, logits) in zip(held, logits) {
      for i in 0..<block.count {
        let label = prepared.rows.classes[Int(block.labels[i])]
        for c in path.indices {
          let scores = (0..<count).map {
            Double(logits[i * count * path.count + c * count + $0]) + bias[c * count + $0]
          }
          if classes[scores.indexOfLargest()] == label { counts[c] += 1 }
        }
      }
    }
    return counts
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
    var resumed = try checkpointer?.resume(.fold) { record in
      try RowSpaceSolver.State(record, rowCount: kept.count, classCount: shape.classes.count)
    }
    // Those of the values of C done with, which a checkpoint keeps.
    var correct = checkpointer?.results.counts["fold-correct"] ?? []
    guard correct.count <= path.count else { throw invalid("fold-correct") }
    for C in path[correct.count...] {
      let solver = RowSpaceSolver(gram: gram, options: options(C: C), context: context)
      let found = try solver.minimize(
        from: point, resuming: resumed, target: tolerance,
        maximumSteps: options.maximumIterations, pauses: checkpointer?.pauses(.fold) ?? .never
      ).point
      resumed = nil
      correct.append(
        try countCorrect(
          held, kept, of: all, coefficients: found.coefficients,
          // Where the bias is regularized the products hold it.
          bias: options.regularizesBias ? found.bias.map { _ in 0 } : found.bias,
          classes: shape.classes.map { Int32(classes.firstIndex(of: $0)!) }))
      point = found
      checkpointer?.results.counts["fold-correct"] = correct
      progress(fold, C)
    }
    return (correct, held.count)
  }

  private func invalid(_ entry: String) -> ClassificationError {
    .invalidCheckpoint(
      path: checkpointer?.path ?? "", reason: "its entry “\(entry)” has another size")
  }

  /// How many held-out rows get their own class; blocks of them are shared out over the ranks.
  private func countCorrect(
    _ held: [Int], _ kept: [Int], of all: GramMatrix, coefficients: [Double], bias: [Double],
    classes: [Int32]
  ) throws -> Int {
    let blocks = RowPartition.blocks(rowCount: held.count)
    let communicator = context.communicator
    let own = blocks.indices.filter { $0 % communicator.size == communicator.rank }
    let (count, kernels) = (classes.count, context.kernels)
    let packed = PackedMatrix<Double>()
    kernels.pack(
      coefficients.span, .init(leadingDimension: count), depth: kept.count, columns: count,
      into: packed)
    let counts = context.team.map(own.count) { index, _ -> Int64 in
      let rows = Array(held[blocks[own[index]]])
      let products = all.products.elements(rows: rows, columns: kept)
      var scores = [Double](repeating: 0, count: rows.count * count)
      kernels.multiply(
        rows: rows.count, products.span, .init(leadingDimension: kept.count), packed,
        into: &scores, .init(leadingDimension: count))
      var correct: Int64 = 0
      for (i, row) in rows.enumerated() {
        let best = (0..<count).map { scores[i * count + $0] + bias[$0] }.indexOfLargest()
        if classes[best] == all.labels[row] { correct += 1 }
      }
      return correct
    }
    var total = [counts.reduce(0, +)]
    try context.communicator.allreduce(&total, .sum)
    return Int(total[0])
  }
}
