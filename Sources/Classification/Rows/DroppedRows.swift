internal import Communication
internal import Tensors

/// Noised copies of another source's rows, each row's one after the other; see `Dropout`.
///
/// Copy c of row i is row `i·m + c`, with a weight of 1/m of the row's. What is dropped is drawn when
/// the rows are read, by seed, i, c and the feature alone: nothing is kept, and a copy is the same in
/// every block and on every rank, and whatever m is.
struct DroppedRows: RowSource {
  let base: any RowSource
  /// Done to a row before its features are dropped.
  let normalization: RowNormalization
  let dropout: Dropout

  var name: String { base.name }
  var rowCount: Int { base.rowCount * dropout.copies }
  var width: Int { base.width }
  var classNames: [String] { base.classNames }

  func use(of row: Int) -> RowUse { base.use(of: row / dropout.copies) }
  func weight(of row: Int) -> Double {
    base.weight(of: row / dropout.copies) / Double(dropout.copies)
  }
  func origin(of row: Int) -> (name: String, row: Int) { base.origin(of: row / dropout.copies) }

  func owner(of row: Int) -> Int? { base.owner(of: row / dropout.copies) }
  func bring(_ rows: [Range<Int>], stays: Bool, _ communicator: any Communicator) throws {
    var originals: [Range<Int>] = []
    for run in rows {
      // The last of one range and the first of the next may be copies of the same row.
      let first = max(run.lowerBound / dropout.copies, originals.last?.upperBound ?? 0)
      let end = (run.upperBound + dropout.copies - 1) / dropout.copies
      if first < end { originals.append(first..<end) }
    }
    try base.bring(originals, stays: stays, communicator)
  }
  func endBringing(_ communicator: any Communicator) throws {
    try base.endBringing(communicator)
  }

  func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    let mask = DropoutMask(probability: dropout.probability)
    let copies = dropout.copies
    // The room is for the copies; the few rows they are of may need some of their own.
    var values: [Float] = []
    swap(&values, &scratch)
    defer { swap(&values, &scratch) }
    values.removeAll(keepingCapacity: true)
    values.reserveCapacity(rows.count * width)
    let originals = rows.lowerBound / copies..<(rows.upperBound + copies - 1) / copies
    var room: [Float] = []
    try base.withRows(originals, scratch: &room) { features in
      for (i, original) in originals.enumerated() {
        let row = features.extracting(i * width..<(i + 1) * width)
        let scale =
          normalization == .none
          ? 1 : normalization.scale(squaredNorm: VectorOperations.squaredNorm(row))
        for copy in rows.clamped(to: original * copies..<(original + 1) * copies) {
          var generator = generator(row: original, copy: copy - original * copies)
          mask.append(row, times: scale, &generator, to: &values)
        }
      }
    }
    try body(values.span)
  }

  private func generator(row: Int, copy: Int) -> SeededGenerator {
    var ofRow = SeededGenerator(seed: dropout.seed, stream: UInt64(row))
    return SeededGenerator(seed: ofRow.next(), stream: UInt64(copy))
  }
}
