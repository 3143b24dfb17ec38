package import Tensors

/// Some rows of another source, in a chosen order: one side of a split, a few images a class.
package struct SelectedRows: RowSource {
  package let base: any RowSource
  /// The rows of `base`; a row may stand more than once.
  package let rows: [Int]

  /// - Precondition: every row is one of `base`.
  package init(_ base: any RowSource, rows: [Int]) {
    precondition(rows.allSatisfy { $0 >= 0 && $0 < base.rowCount }, "no such row")
    self.base = base
    self.rows = rows
  }

  package var name: String { base.name }
  package var rowCount: Int { rows.count }
  package var width: Int { base.width }
  package var classNames: [String] { base.classNames }

  package func use(of row: Int) -> RowUse { base.use(of: rows[row]) }
  package func weight(of row: Int) -> Double { base.weight(of: rows[row]) }
  package func origin(of row: Int) -> (name: String, row: Int) { base.origin(of: rows[row]) }

  package func place(of row: Int) -> CachedRows.Place? { base.place(of: rows[row]) }

  package func withRows(
    _ range: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    // The room is for the rows chosen; those read from files where they lie need none of their own.
    var gathered: [Float] = []
    swap(&gathered, &scratch)
    defer { swap(&gathered, &scratch) }
    gathered.removeAll(keepingCapacity: true)
    gathered.reserveCapacity(range.count * width)
    var room: [Float] = []
    for run in Self.runs(rows[range]) {
      try base.withRows(run, scratch: &room) { gathered.append(contentsOf: $0) }
    }
    try body(gathered.span)
  }

  /// The rows as ranges of consecutive ones.
  static func runs(_ rows: some Sequence<Int>) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for row in rows {
      if let last = runs.last, last.upperBound == row {
        runs[runs.count - 1] = last.lowerBound..<row + 1
      } else {
        runs.append(row..<row + 1)
      }
    }
    return runs
  }
}

extension Array where Element == Float {
  /// Appends all elements of a span.
  mutating func append(contentsOf span: Span<Float>) {
    span.withUnsafeBufferPointer { append(contentsOf: $0) }
  }
}
