internal import CKernels

/// Matrix products and losses of training, compiled for one instruction set.
///
/// Each element of a product is summed over the depth in one order, whatever the shape of the rest,
/// how rows are divided among calls, or threads. Classes with fused multiply-add agree bit for bit;
/// `baseline` rounds products before adding them.
package struct DenseKernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_training_kernels>

  /// - Precondition: the class is one of `KernelClass.supported`.
  package init(_ kernelClass: KernelClass) {
    table = kernelClass.runnableSet.training!
  }

  /// The fastest kernels of this processor.
  package static let fastest = DenseKernels(KernelClass.supported.last!)

  // MARK: Single precision

  /// Packs B, `depth×columns` by its layout.
  package func pack(
    _ b: Span<Float>, _ layout: MatrixLayout, depth: Int, columns: Int,
    into packed: PackedMatrix<Float>
  ) {
    precondition(b.count >= layout.extent(rows: depth, columns: columns), "B is too short")
    packed.reserve(table.pointee.packed_count_f32(depth, columns))
    (packed.depth, packed.columns) = (depth, columns)
    if depth == 0 || columns == 0 { return }
    let pack = layout.isTransposed ? table.pointee.pack_transposed_f32 : table.pointee.pack_f32
    b.withUnsafeBufferPointer {
      pack!($0.baseAddress! + layout.offset, layout.leadingDimension, depth, columns, packed.base)
    }
  }

  /// `C ← A·B`, or `C ← C + A·B` when `adding`.
  ///
  /// - Parameters:
  ///   - rows: of A and C.
  ///   - layoutA: not transposed; nor is that of C.
  package func multiply(
    rows: Int, _ a: Span<Float>, _ layoutA: MatrixLayout, _ b: PackedMatrix<Float>,
    into c: inout [Float], _ layoutC: MatrixLayout, adding: Bool = false
  ) {
    precondition(!layoutA.isTransposed && !layoutC.isTransposed, "only B may be transposed")
    precondition(a.count >= layoutA.extent(rows: rows, columns: b.depth), "A is too short")
    precondition(c.count >= layoutC.extent(rows: rows, columns: b.columns), "C is too short")
    if rows == 0 || b.columns == 0 { return }
    a.withUnsafeBufferPointer { a in
      c.withUnsafeMutableBufferPointer { c in
        table.pointee.product_f32(
          rows, b.depth, b.columns, a.baseAddress.map { $0 + layoutA.offset },
          layoutA.leadingDimension, b.base, c.baseAddress! + layoutC.offset,
          layoutC.leadingDimension, adding ? 1 : 0)
      }
    }
  }

  // MARK: Double precision

  /// Packs B in double precision; see the single one.
  package func pack(
    _ b: Span<Double>, _ layout: MatrixLayout, depth: Int, columns: Int,
    into packed: PackedMatrix<Double>
  ) {
    precondition(b.count >= layout.extent(rows: depth, columns: columns), "B is too short")
    packed.reserve(table.pointee.packed_count_f64(depth, columns))
    (packed.depth, packed.columns) = (depth, columns)
    if depth == 0 || columns == 0 { return }
    let pack = layout.isTransposed ? table.pointee.pack_transposed_f64 : table.pointee.pack_f64
    b.withUnsafeBufferPointer {
      pack!($0.baseAddress! + layout.offset, layout.leadingDimension, depth, columns, packed.base)
    }
  }

  /// `C ← A·B`, or `C ← C + A·B` when `adding`, in double precision; see the single one.
  package func multiply(
    rows: Int, _ a: Span<Double>, _ layoutA: MatrixLayout, _ b: PackedMatrix<Double>,
    into c: inout [Double], _ layoutC: MatrixLayout, adding: Bool = false
  ) {
    precondition(!layoutA.isTransposed && !layoutC.isTransposed, "only B may be transposed")
    precondition(a.count >= layoutA.extent(rows: rows, columns: b.depth), "A is too short")
    precondition(c.count >= layoutC.extent(rows: rows, columns: b.columns), "C is too short")
    if rows == 0 || b.columns == 0 { return }
    a.withUnsafeBufferPointer { a in
      c.withUnsafeMutableBufferPointer { c in
        table.pointee.product_f64(
          rows, b.depth, b.columns, a.baseAddress.map { $0 + layoutA.offset },
          layoutA.leadingDimension, b.base, c.baseAddress! + layoutC.offset,
          layoutC.leadingDimension, adding ? 1 : 0)
      }
    }
  }
}

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
