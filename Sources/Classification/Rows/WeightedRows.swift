package import Communication
package import Tensors

/// Another source's rows with weights of their own, on top of those they have.
package struct WeightedRows: RowSource {
  package let base: any RowSource
  package let weights: [Double]

  /// - Parameter weights: one for each row of `base`.
  /// - Throws: `ClassificationError.weightCount`, `.invalidWeight`.
  package init(_ base: any RowSource, weights: [Double]) throws(ClassificationError) {
    guard weights.count == base.rowCount else {
      throw .weightCount(source: base.name, found: weights.count, expected: base.rowCount)
    }
    if let row = weights.firstIndex(where: { !($0 >= 0 && $0 <= 1e15) }) {
      throw .invalidWeight(of: "row \(row)", value: weights[row])
    }
    self.base = base
    self.weights = weights
  }

  package var name: String { base.name }
  package var rowCount: Int { base.rowCount }
  package var width: Int { base.width }
  package var classNames: [String] { base.classNames }

  package func use(of row: Int) -> RowUse { base.use(of: row) }
  package func weight(of row: Int) -> Double { base.weight(of: row) * weights[row] }
  package func origin(of row: Int) -> (name: String, row: Int) { base.origin(of: row) }

  package func place(of row: Int) -> CachedRows.Place? { base.place(of: row) }

  package func owner(of row: Int) -> Int? { base.owner(of: row) }
  package func bring(_ rows: [Range<Int>], stays: Bool, _ communicator: any Communicator) throws {
    try base.bring(rows, stays: stays, communicator)
  }
  package func endBringing(_ communicator: any Communicator) throws {
    try base.endBringing(communicator)
  }

  package func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    try base.withRows(rows, scratch: &scratch, body)
  }
}
