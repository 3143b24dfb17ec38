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
  /// Rows left out, over all ranks.
  let failedCount: Int
  let unlabelledCount: Int
  /// This rank's blocks that have training rows.
  let blocks: [RowBlock]
  /// The largest magnitude of each feature, after normalization, over all ranks.
  let columnBounds: [Double]

  var classCount: Int { classes.count }
  var rowCount: Int { classCounts.reduce(0, +) }

  /// Reads the labels and looks once at every row of this rank.
  ///
  /// Collective: every rank must call this; all throw the same error, or none.
  ///
  /// - Throws: `ClassificationError` when no row is labelled, all have one class, or a usable row is
  ///   not finite; the source's errors.
  init(
    _ source: any RowSource, normalization: RowNormalization, communicator: any Communicator,
    team: ThreadTeam, workspaces: [Workspace]
  ) throws {
    self.source = source
    width = source.width
    let cuts = RowPartition.blocks(rowCount: source.rowCount)
    let own = cuts[
      RowPartition.share(of: communicator.rank, size: communicator.size, blockCount: cuts.count)]

    let names = source.classNames
    var counts = [Int64](repeating: 0, count: names.count + 2)
    var found: [(rows: Range<Int>, kept: [Int], labels: [Int])] = []
    for rows in own {
      var kept: [Int] = []
      var labels: [Int] = []
      for row in rows {
        switch source.use(of: row) {
        case .labelled(let label):
          counts[label] += 1
          kept.append(row - rows.lowerBound)
          labels.append(label)
        case .failed: counts[names.count] += 1
        case .unlabelled: counts[names.count + 1] += 1
        }
      }
      if !kept.isEmpty { found.append((rows, kept, labels)) }
    }
    try communicator.allreduce(&counts, .sum)
    failedCount = Int(counts[names.count])
    unlabelledCount = Int(counts[names.count + 1])
    let present = names.indices.filter { counts[$0] > 0 }
    if present.isEmpty {
      throw ClassificationError.noRows(
        source: source.name, failed: failedCount, unlabelled: unlabelledCount)
    }
    if present.count == 1 {
      throw ClassificationError.oneClass(source: source.name, name: names[present[0]])
    }
    classes = present
    classCounts = present.map { Int(counts[$0]) }
    var position = [Int32](repeating: -1, count: names.count)
    for (k, label) in present.enumerated() { position[label] = Int32(k) }
    blocks = found.map {
      RowBlock(rows: $0.rows, kept: $0.kept, labels: $0.labels.map { position[$0] })
    }
    columnBounds = try Self.inspect(
      source, blocks, normalization, communicator: communicator, team: team,
      workspaces: workspaces)
  }

  /// Sets the scales of the blocks and finds the bounds of the columns.
  private static func inspect(
    _ source: any RowSource, _ blocks: [RowBlock], _ normalization: RowNormalization,
    communicator: any Communicator, team: ThreadTeam, workspaces: [Workspace]
  ) throws -> [Double] {
    let width = source.width
    for workspace in workspaces { workspace.columnBounds = [Float](repeating: 0, count: width) }
    let badRows = try team.throwingMap(blocks.count) { index, worker -> Int64 in
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
      throw ClassificationError.notFinite(source: source.name, row: Int(firstBad[0]))
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
