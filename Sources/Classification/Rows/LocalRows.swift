internal import Communication
internal import Tensors

/// The training rows of one rank, and what all ranks know about all rows.
struct LocalRows {
  let source: any RowSource
  let width: Int
  /// The classes that have rows, as indices into the source's names; class k of training is
  /// `classes[k]`.
  let classes: [Int]
  /// Training rows of each class, over all ranks.
  let classCounts: [Int]
  /// Their summed weights.
  let classMasses: [Double]
  /// What each class's weight multiplies those of its rows with.
  let classFactors: [Double]
  /// Rows left out, over all ranks.
  let failedCount: Int
  let unlabelledCount: Int
  /// What the blocks' scales stand for.
  let normalization: RowNormalization
  /// This rank's blocks that have training rows.
  let blocks: [RowBlock]
  /// The largest magnitude of each feature, after normalization, over all ranks.
  let columnBounds: [Double]
  /// `Σ b²` over them.
  let squaredColumnBounds: Double

  var classCount: Int { classes.count }
  var rowCount: Int { classCounts.reduce(0, +) }
  /// The summed weights of all rows.
  var mass: Double { classMasses.reduce(0, +) }

  /// Reads the labels and looks once at every row of this rank.
  ///
  /// Collective: every rank must call this; all throw the same error, or none.
  ///
  /// - Throws: `ClassificationError` when no row is labelled, all have one class, or a usable row is
  ///   not finite; the source's errors.
  init(
    _ source: any RowSource, options: TrainingOptions, _ context: TrainingContext
  ) throws {
    let communicator = context.communicator
    self.source = source
    normalization = options.normalization
    width = source.width
    let own = RowPartition.blocks(of: source, communicator)
    try source.bring(own, stays: true, communicator)
    try source.endBringing(communicator)

    let names = source.classNames
    var counts = [Int64](repeating: 0, count: names.count + 2)
    var found: [(rows: Range<Int>, kept: [Int], labels: [Int], weights: [Double])] = []
    for rows in own {
      var (kept, labels, weights): ([Int], [Int], [Double]) = ([], [], [])
      for row in rows {
        switch source.use(of: row) {
        case .labelled(let label):
          let weight = source.weight(of: row)
          if weight == 0 { continue }
          counts[label] += 1
          kept.append(row - rows.lowerBound)
          labels.append(label)
          weights.append(weight)
        case .failed: counts[names.count] += 1
        case .unlabelled: counts[names.count + 1] += 1
        }
      }
      if !kept.isEmpty { found.append((rows, kept, labels, weights)) }
    }
    try communicator.allreduce(&counts, .sum)
    failedCount = Int(counts[names.count])
    unlabelledCount = Int(counts[names.count + 1])
    let shape = try ClassShape(
      counts: counts.dropLast(2).map(Int.init), source: source, options: options,
      failedCount: failedCount, unlabelledCount: unlabelledCount)
    (classes, classCounts, classFactors) = (shape.classes, shape.counts, shape.factors)
    blocks = found.map { rows, kept, labels, weights in
      let labels = labels.map { shape.position[$0] }
      return RowBlock(
        rows: rows, kept: kept, labels: labels,
        weights: zip(weights, labels).map { $0 * shape.factors[Int($1)] })
    }
    classMasses = try Self.masses(blocks, classCount: classes.count, communicator)
    columnBounds = try Self.inspect(
      source, blocks, options.normalization, context)
    squaredColumnBounds = columnBounds.reduce(0) { $0 + $1 * $1 }
  }

  /// Those of another's training rows for which `isIncluded` holds, looked at already. Collective.
  ///
  /// - Throws: `ClassificationError` when they are of fewer than two classes.
  init(
    _ all: LocalRows, options: TrainingOptions, _ context: TrainingContext,
    isIncluded: (_ row: Int) -> Bool
  ) throws {
    let communicator = context.communicator
    (source, width, normalization) = (all.source, all.width, all.normalization)
    (failedCount, unlabelledCount) = (all.failedCount, all.unlabelledCount)
    (columnBounds, squaredColumnBounds) = (all.columnBounds, all.squaredColumnBounds)
    let chosen = all.blocks.map { block in
      (block, block.kept.indices.filter { isIncluded(block.rows.lowerBound + block.kept[$0]) })
    }.filter { !$1.isEmpty }
    var counts = [Int64](repeating: 0, count: source.classNames.count)
    for (block, indices) in chosen {
      for i in indices { counts[all.classes[Int(block.labels[i])]] += 1 }
    }
    try communicator.allreduce(&counts, .sum)
    let shape = try ClassShape(
      counts: counts.map(Int.init), source: source, options: options, failedCount: failedCount,
      unlabelledCount: unlabelledCount)
    (classes, classCounts, classFactors) = (shape.classes, shape.counts, shape.factors)
    blocks = chosen.map { block, indices in
      let labels = indices.map { shape.position[all.classes[Int(block.labels[$0])]] }
      let new = RowBlock(
        rows: block.rows, kept: indices.map { block.kept[$0] }, labels: labels,
        weights: zip(indices, labels).map { i, label in
          all.source.weight(of: block.rows.lowerBound + block.kept[i])
            * shape.factors[Int(label)]
        })
      new.scales = indices.map { block.scales[$0] }
      return new
    }
    classMasses = try Self.masses(blocks, classCount: classes.count, communicator)
  }

  /// This rank's training rows for which `isIncluded` holds, as blocks; labels stay as they are.
  func heldOut(_ isIncluded: (_ row: Int) -> Bool) -> [RowBlock] {
    blocks.compactMap { block in
      let indices = block.kept.indices.filter {
        isIncluded(block.rows.lowerBound + block.kept[$0])
      }
      if indices.isEmpty { return nil }
      let part = RowBlock(
        rows: block.rows, kept: indices.map { block.kept[$0] },
        labels: indices.map { block.labels[$0] })
      part.scales = indices.map { block.scales[$0] }
      return part
    }
  }

  /// The summed weights of each class, the same for any number of ranks.
  private static func masses(
    _ blocks: [RowBlock], classCount: Int, _ communicator: any Communicator
  ) throws -> [Double] {
    var sum = ExactSum(count: classCount)
    for block in blocks {
      for (label, weight) in zip(block.labels, block.weights) { sum.add(weight, at: Int(label)) }
    }
    try communicator.allreduce(&sum.limbs, .sum)
    return sum.values
  }

  /// Sets the scales of the blocks and finds the bounds of the columns.
  private static func inspect(
    _ source: any RowSource, _ blocks: [RowBlock], _ normalization: RowNormalization,
    _ context: TrainingContext
  ) throws -> [Double] {
    let (communicator, workspaces) = (context.communicator, context.workspaces)
    let width = source.width
    for workspace in workspaces { workspace.columnBounds = [Float](repeating: 0, count: width) }
    let badRows = try context.team.throwingMap(blocks.count) { index, worker -> Int64 in
      let block = blocks[index]
      let workspace = workspaces[worker]
      var bad = Int64.max
      try block.withFeatures(of: source, workspace) { features in
        for (i, offset) in block.kept.enumerated() {
          let row = features.extracting(i * width..<(i + 1) * width)
          let scale =
            normalization == .none
            ? 1 : normalization.scale(squaredNorm: VectorOperations.squaredNorm(row))
          block.scales.append(scale)
          if !VectorOperations.raise(&workspace.columnBounds, to: row, times: Float(scale)) {
            bad = min(bad, Int64(block.rows.lowerBound + offset))
          }
        }
      }
      return bad
    }
    var firstBad = [badRows.min() ?? .max]
    try communicator.allreduce(&firstBad, .minimum)
    if firstBad[0] != .max {
      let (name, row) = source.origin(of: Int(firstBad[0]))
      throw ClassificationError.notFinite(source: name, row: row)
    }
    // The bits of floats that are not negative are ordered as their values.
    var bounds = (0..<width).map { j in
      workspaces.map { Int64($0.columnBounds[j].bitPattern) }.max()!
    }
    try communicator.allreduce(&bounds, .maximum)
    // Scales were rounded: leave room for that.
    return bounds.map { Double(Float(bitPattern: UInt32($0))) * 1.001 }
  }
}

/// The classes that have training rows.
struct ClassShape {
  /// As indices into the source's names.
  let classes: [Int]
  let counts: [Int]
  /// Weights of the classes.
  let factors: [Double]
  /// For each of the source's names the class of training, or −1.
  let position: [Int32]

  /// - Parameter counts: training rows of each of the source's classes.
  /// - Throws: `ClassificationError` when fewer than two have any.
  init(
    counts: [Int], source: any RowSource, options: TrainingOptions, failedCount: Int,
    unlabelledCount: Int
  ) throws(ClassificationError) {
    let names = source.classNames
    let present = names.indices.filter { counts[$0] > 0 }
    if present.isEmpty {
      throw .noRows(source: source.name, failed: failedCount, unlabelled: unlabelledCount)
    }
    if present.count == 1 { throw .oneClass(source: source.name, name: names[present[0]]) }
    classes = present
    self.counts = present.map { counts[$0] }
    factors = options.classWeights.values(names: present.map { names[$0] }, counts: self.counts)
    var position = [Int32](repeating: -1, count: names.count)
    for (k, label) in present.enumerated() { position[label] = Int32(k) }
    self.position = position
  }
}
