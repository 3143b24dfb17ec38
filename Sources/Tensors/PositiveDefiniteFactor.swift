internal import COpenBLAS

/// The triangular factor of a symmetric positive definite matrix, by LAPACK on the calling thread.
///
/// The same matrix gives the same bytes on the same CPU type, whoever factors it.
package struct PositiveDefiniteFactor: Sendable {
  package let size: Int
  /// L with `L·Lᵀ` the matrix, row-major; above its diagonal are zeros.
  private var elements: [Double]

  /// Factors some rows and the same columns of a matrix, plus `ridges` on the diagonal.
  ///
  /// - Parameter ridges: one for each of `rows`.
  /// - Returns: nil when that is not positive definite in double precision.
  /// - Complexity: m³/3 multiplications for m rows.
  package init?(_ matrix: SymmetricMatrix, rows: [Int], ridges: [Double]) {
    let (size, stride) = (rows.count, matrix.size)
    precondition(ridges.count == size, "a ridge for each row")
    precondition(rows.allSatisfy { $0 >= 0 && $0 < stride }, "no such row")
    BLAS.useOneThread()
    self.size = size
    elements = [Double](repeating: 0, count: size * size)
    var info: Int32 = 0
    matrix.elements.withUnsafeBufferPointer { source in
      elements.withUnsafeMutableBufferPointer { target in
        for (i, row) in rows.enumerated() {
          for j in 0...i { target[i * size + j] = source[row * stride + rows[j]] }
          target[i * size + i] += ridges[i]
        }
        if size == 0 { return }
        // Row-major and lower is what LAPACK, column by column, takes for upper.
        var count = Int32(size)
        var leadingDimension = count
        dpotrf_("U", &count, target.baseAddress, &leadingDimension, &info)
      }
    }
    precondition(info >= 0, "dpotrf: argument \(-info)")
    if info > 0 { return nil }
  }

  /// Replaces the `size×count` matrix `right`, row-major, by X with `L·Lᵀ·X = right`.
  package func solve(_ right: inout [Double], count: Int) {
    precondition(right.count == size * count)
    if right.isEmpty { return }
    elements.withUnsafeBufferPointer { factor in
      right.withUnsafeMutableBufferPointer { right in
        for transpose in [CblasNoTrans, CblasTrans] {
          cblas_dtrsm(
            CblasRowMajor, CblasLeft, CblasLower, transpose, CblasNonUnit, Int32(size),
            Int32(count), 1, factor.baseAddress, Int32(size), right.baseAddress, Int32(count))
        }
      }
    }
  }
}
