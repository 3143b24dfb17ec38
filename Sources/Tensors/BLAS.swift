internal import COpenBLAS

/// Matrix products by OpenBLAS on row-major matrices, always on the calling thread alone.
///
/// The library may round a product differently for other shapes, never for the same shape on the
/// same CPU type: callers that promise identical bytes call it on fixed blocks.
package enum BLAS {
  /// Evaluated once, before the first product: OpenBLAS must not divide a product among threads,
  /// for its sums may then depend on how many there are.
  private static let isSingleThreaded: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// For calls into the library from elsewhere in the module.
  static func useOneThread() { precondition(isSingleThreaded) }

  /// A row-major matrix inside a longer array.
  package struct Layout: Sendable {
    /// Use the matrix with rows and columns exchanged.
    package var isTransposed: Bool
    /// Index of the first element.
    package var offset: Int
    /// Elements from one stored row to the next.
    package var leadingDimension: Int

    package init(leadingDimension: Int, offset: Int = 0, isTransposed: Bool = false) {
      self.isTransposed = isTransposed
      self.offset = offset
      self.leadingDimension = leadingDimension
    }

    /// Elements of the array that a product reads, when the operand is `rows×columns`.
    func extent(rows: Int, columns: Int) -> Int {
      let (stored, length) = isTransposed ? (columns, rows) : (rows, columns)
      precondition(leadingDimension >= length, "rows overlap")
      return stored == 0 ? offset : offset + (stored - 1) * leadingDimension + length
    }

    var transpose: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
  }

  /// `C ← A·B`, or `C ← C + A·B` when `adding`, in single precision.
  ///
  /// - Parameters:
  ///   - m: rows of A and C.
  ///   - n: columns of B and C.
  ///   - k: columns of A and rows of B; with `k = 0` the product is zero.
  package static func gemm(
    m: Int, n: Int, k: Int, _ a: Span<Float>, _ layoutA: Layout, _ b: Span<Float>,
    _ layoutB: Layout, into c: inout [Float], _ layoutC: Layout, adding: Bool = false
  ) {
    precondition(isSingleThreaded && !layoutC.isTransposed)
    precondition(a.count >= layoutA.extent(rows: m, columns: k), "A is too short")
    precondition(b.count >= layoutB.extent(rows: k, columns: n), "B is too short")
    precondition(c.count >= layoutC.extent(rows: m, columns: n), "C is too short")
    if m == 0 || n == 0 { return }
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          cblas_sgemm(
            CblasRowMajor, layoutA.transpose, layoutB.transpose, Int32(m), Int32(n), Int32(k), 1,
            a.baseAddress.map { $0 + layoutA.offset }, Int32(layoutA.leadingDimension),
            b.baseAddress.map { $0 + layoutB.offset }, Int32(layoutB.leadingDimension),
            adding ? 1 : 0, c.baseAddress! + layoutC.offset, Int32(layoutC.leadingDimension))
        }
      }
    }
  }

  /// `C ← A·B`, or `C ← C + A·B` when `adding`, in double precision; see the single one.
  package static func gemm(
    m: Int, n: Int, k: Int, _ a: Span<Double>, _ layoutA: Layout, _ b: Span<Double>,
    _ layoutB: Layout, into c: inout [Double], _ layoutC: Layout, adding: Bool = false
  ) {
    precondition(isSingleThreaded && !layoutC.isTransposed)
    precondition(a.count >= layoutA.extent(rows: m, columns: k), "A is too short")
    precondition(b.count >= layoutB.extent(rows: k, columns: n), "B is too short")
    precondition(c.count >= layoutC.extent(rows: m, columns: n), "C is too short")
    if m == 0 || n == 0 { return }
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          cblas_dgemm(
            CblasRowMajor, layoutA.transpose, layoutB.transpose, Int32(m), Int32(n), Int32(k), 1,
            a.baseAddress.map { $0 + layoutA.offset }, Int32(layoutA.leadingDimension),
            b.baseAddress.map { $0 + layoutB.offset }, Int32(layoutB.leadingDimension),
            adding ? 1 : 0, c.baseAddress! + layoutC.offset, Int32(layoutC.leadingDimension))
        }
      }
    }
  }
}
