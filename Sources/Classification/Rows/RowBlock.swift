internal import Tensors

/// The state of a fixed block of rows on the rank that owns it.
final class RowBlock: @unchecked Sendable {
  // Invariant behind `@unchecked`: blocks are changed only inside loops of the thread team, where
  // one iteration owns one block; the team orders loops.

  /// The block's rows in the source.
  let rows: Range<Int>
  /// Which of them take part, as offsets into `rows`.
  let kept: [Int]
  /// The class of each kept row.
  let labels: [Int32]
  /// How much each kept row's loss counts.
  let weights: [Double]
  /// The factor of each kept row's features.
  var scales: [Double]
  /// `kept×K`: products of the rows with the weights, without bias.
  var logits: [Double] = []
  /// `kept×A`: products with the direction of the A classes being optimized.
  var directionLogits: [Double] = []

  init(rows: Range<Int>, kept: [Int], labels: [Int32], weights: [Double]? = nil) {
    self.rows = rows
    self.kept = kept
    self.labels = labels
    self.weights = weights ?? labels.map { _ in 1 }
    scales = []
  }

  var count: Int { kept.count }

  /// Calls `body` with the `kept×width` features, row-major, not scaled.
  func withFeatures(
    of source: any RowSource, _ workspace: Workspace, _ body: (Span<Float>) throws -> Void
  ) throws {
    try source.withRows(rows, scratch: &workspace.rows) { features in
      if kept.count == rows.count { return try body(features) }
      let width = source.width
      workspace.keptRows.removeAll(keepingCapacity: true)
      for run in SelectedRows.runs(kept) {
        workspace.keptRows.append(
          contentsOf: features.extracting(run.lowerBound * width..<run.upperBound * width))
      }
      let packed = workspace.keptRows
      try body(packed.span)
    }
  }
}
