/// A row-major matrix inside a longer array.
package struct MatrixLayout: Sendable {
  /// Elements from one stored row to the next.
  package var leadingDimension: Int
  /// Index of the first element.
  package var offset: Int
  /// Use the matrix with rows and columns exchanged.
  package var isTransposed: Bool

  package init(leadingDimension: Int, offset: Int = 0, isTransposed: Bool = false) {
    self.leadingDimension = leadingDimension
    self.offset = offset
    self.isTransposed = isTransposed
  }

  /// Elements of the array that a product reads, when the operand is `rows×columns`.
  func extent(rows: Int, columns: Int) -> Int {
    let (stored, length) = isTransposed ? (columns, rows) : (rows, columns)
    precondition(leadingDimension >= length, "rows overlap")
    return stored == 0 ? offset : offset + (stored - 1) * leadingDimension + length
  }
}
