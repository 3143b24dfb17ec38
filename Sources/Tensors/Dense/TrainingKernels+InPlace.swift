internal import CKernels

/// Products of parts of one matrix with another, added to other parts of it.
extension TrainingKernels {
  /// In each of `rows`, adds to the elements from column `to` on the product of the first
  /// `packed.depth` elements with the packed matrix.
  ///
  /// - Precondition: the columns read end before those written.
  func addProduct(
    rows: Range<Int>, of matrix: inout [Double], leadingDimension: Int, to column: Int,
    _ packed: PackedMatrix<Double>, team: ThreadTeam?
  ) {
    precondition(packed.depth <= column && column + packed.columns <= leadingDimension)
    precondition(rows.lowerBound >= 0 && rows.upperBound * leadingDimension <= matrix.count)
    matrix.withUnsafeMutableBufferPointer { matrix in
      let pieces = RowPieces(base: matrix.baseAddress!)
      // Multiples of the kernels' 12 rows.
      let pieceRows = 96
      let count = (rows.count + pieceRows - 1) / pieceRows
      let kernels = self
      let body: @Sendable (Int, Int) -> Void = { index, _ in
        let first = rows.lowerBound + index * pieceRows
        let start = pieces.base + first * leadingDimension
        kernels.table.pointee.product_f64(
          min(pieceRows, rows.upperBound - first), packed.depth, packed.columns, start,
          leadingDimension, packed.base, start + column, leadingDimension, 1)
      }
      if let team { team.forEach(count, body) } else { for i in 0..<count { body(i, 0) } }
    }
  }
}

/// The start of a matrix whose rows several threads write.
private struct RowPieces: @unchecked Sendable {
  // Invariant behind `@unchecked`: each iteration writes rows of its own, and the team's loop ends
  // before the pointer's scope does.
  let base: UnsafeMutablePointer<Double>
}
