package import Communication
package import FeatureStore
internal import Files
internal import Images
package import Tensors

/// Applies a classifier to the rows of a store, each rank to its own blocks.
package struct Predictor {
  package let classifier: Classifier
  private let communicator: any Communicator
  private let team: ThreadTeam
  /// Blocks that each thread does between two gatherings.
  private static let blocksPerThread = 4

  package init(_ classifier: Classifier, communicator: any Communicator, team: ThreadTeam) {
    self.classifier = classifier
    self.communicator = communicator
    self.team = team
  }

  /// Writes the table of predictions of every row, on rank 0.
  ///
  /// Collective: every rank must call this with the same store. The ranks' lines are gathered in
  /// pieces, in row order, so memory is bounded whatever the store's size.
  ///
  /// - Parameter confirm: what has to hold before the table appears: that store and classifier are
  ///   still what they were. Called once on every rank, together.
  /// - Returns: counts over all rows, on every rank.
  /// - Throws: `ClassificationError.incompatibleFeatures` on every rank; `StoreError` when the
  ///   store lacks the layer; `ClassificationError.cannotWrite` on rank 0 alone.
  package func predict(
    _ store: Store, output: String, includesScores: Bool, confirm: () throws -> Void = {}
  ) throws -> PredictionSummary {
    let rows = try StoreRows(store, layer: classifier.features.layer)
    let spec = store.provenance.layer(named: classifier.features.layer)!
    try classifier.check(FeatureOrigin(store.provenance, layer: spec), of: store.path)
    let table = PredictionTable(classes: classifier.classes, includesScores: includesScores)

    let file = communicator.isRoot ? try writing { try ReplacementFile(output) } : nil
    try writing { try file?.append(table.header) }
    let blocks = RowPartition.blocks(rowCount: store.rowCount)
    let perRank = team.threadCount * Self.blocksPerThread
    // Ranks may have different teams: all must cut the rows alike.
    var shares = [Int64(perRank)]
    try communicator.allreduce(&shares, .minimum)
    let perWave = Int(shares[0]) * communicator.size
    var summary = PredictionSummary(classCount: classifier.classes.count)
    for start in stride(from: 0, to: blocks.count, by: perWave) {
      let wave = blocks[start..<min(start + perWave, blocks.count)]
      let share = RowPartition.share(
        of: communicator.rank, size: communicator.size, blockCount: wave.count)
      let own = Array(wave)[share]
      let parts = try team.throwingMap(own.count) { [classifier] index, _ in
        try Self.lines(of: own[own.startIndex + index], rows, table, classifier)
      }
      for part in parts { summary.add(part.summary) }
      let gathered = try communicator.gather(parts.flatMap(\.text), root: 0)
      for text in gathered { try writing { try file?.append(text) } }
    }
    try confirm()
    try writing { try file?.commit() }
    return try total(summary)
  }

  /// The lines of one block.
  private static func lines(
    of block: Range<Int>, _ rows: StoreRows, _ table: PredictionTable, _ classifier: Classifier
  ) throws -> (text: [UInt8], summary: PredictionSummary) {
    var text: [UInt8] = []
    var summary = PredictionSummary(classCount: classifier.classes.count)
    var scratch: [Float] = []
    let width = rows.width
    try rows.withRows(block, scratch: &scratch) { features in
      for (i, row) in block.enumerated() {
        let entry = rows.store.rows[row]
        var scores =
          entry.status == .failed
          ? nil : classifier.scores(features.extracting(i * width..<(i + 1) * width))
        // Infinite features, as float16 may make them, put the classes in no order.
        let isFinite = scores?.allSatisfy(\.isFinite) ?? true
        if !isFinite { scores = nil }
        table.append(
          row: row, path: entry.path.bytes, label: entry.label?.bytes, scores: scores, to: &text)
        if isFinite {
          summary.count(label: entry.label?.bytes, scores: scores, classes: classifier.classes)
        } else {
          summary.notFinite += 1
        }
      }
    }
    return (text, summary)
  }

  private func total(_ summary: PredictionSummary) throws -> PredictionSummary {
    var counts = summary.counts
    try communicator.allreduce(&counts, .sum)
    return PredictionSummary(counts: counts, classCount: classifier.classes.count)
  }

  private func writing<T>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as SystemError {
      throw ClassificationError.cannotWrite(error)
    }
  }
}
