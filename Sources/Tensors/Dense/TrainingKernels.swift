internal import CKernels

/// Matrix products and losses of training, compiled for one instruction set.
///
/// Each element of a product is summed over the depth in one order, whatever the shape of the rest,
/// how rows are divided among calls, or threads. Classes with fused multiply-add agree bit for bit;
/// `baseline` rounds products before adding them.
package struct TrainingKernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_training_kernels>

  /// Depth that a product is summed over in one chain; the chains' sums are then added in order.
  package static let productSlab = Int(DECAF_PRODUCT_SLAB)

  /// - Precondition: the class is one of `KernelClass.supported`.
  package init(_ kernelClass: KernelClass) {
    table = kernelClass.runnableSet.training!
  }

  /// The fastest kernels of this processor.
  package static let fastest = TrainingKernels(KernelClass.supported.last!)

  /// Packs B, `depth×columns` by its layout.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  package func pack<Element: MatrixElement>(
    _ b: Span<Element>, _ layout: MatrixLayout, depth: Int, columns: Int,
    into packed: PackedMatrix<Element>
  ) {
    precondition(b.count >= layout.extent(rows: depth, columns: columns), "B is too short")
    packed.reserve(Element.packedCount(depth: depth, columns: columns, self))
    (packed.depth, packed.columns) = (depth, columns)
    if depth == 0 || columns == 0 { return }
    b.withUnsafeBufferPointer {
      Element.pack(
        StridedRows(base: $0.baseAddress! + layout.offset, stride: layout.leadingDimension),
        isTransposed: layout.isTransposed, depth: depth, columns: columns, into: packed.base, self)
    }
  }

  /// `C ← A·B`, or `C ← C + A·B` when `adding`.
  ///
  /// - Parameters:
  ///   - rows: of A and C.
  ///   - layoutA: not transposed; nor is that of C.
  @_specialize(where Element == Float)
  @_specialize(where Element == Double)
  package func multiply<Element: MatrixElement>(
    rows: Int, _ a: Span<Element>, _ layoutA: MatrixLayout, _ b: PackedMatrix<Element>,
    into c: inout [Element], _ layoutC: MatrixLayout, adding: Bool = false
  ) {
    precondition(!layoutA.isTransposed && !layoutC.isTransposed, "only B may be transposed")
    precondition(a.count >= layoutA.extent(rows: rows, columns: b.depth), "A is too short")
    precondition(c.count >= layoutC.extent(rows: rows, columns: b.columns), "C is too short")
    if rows == 0 || b.columns == 0 { return }
    a.withUnsafeBufferPointer { a in
      c.withUnsafeMutableBufferPointer { c in
        Element.multiply(
          rows: rows,
          StridedRows(
            base: a.baseAddress.map { $0 + layoutA.offset }, stride: layoutA.leadingDimension),
          b,
          into: StridedRows(
            base: c.baseAddress! + layoutC.offset, stride: layoutC.leadingDimension),
          adding: adding, self)
      }
    }
  }

  /// `C ← Aᵀ·B` where B is read where it lies: the bits of `multiply`, quicker where C has few rows.
  ///
  /// - Parameters:
  ///   - rows: of C.
  ///   - a: `depth×rows`.
  ///   - layoutB: of B, `depth×columns`; not transposed.
  package func multiply(
    rows: Int, transposed a: [Float], depth: Int, columns: Int, _ b: Span<Float>,
    _ layoutB: MatrixLayout, into c: inout [Float]
  ) {
    precondition(!layoutB.isTransposed, "B may not be transposed")
    precondition(a.count >= rows * depth && c.count >= rows * columns, "A or C is too short")
    precondition(b.count >= layoutB.extent(rows: depth, columns: columns), "B is too short")
    if rows == 0 || columns == 0 { return }
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard depth > 0, let a = a.baseAddress, let b = b.baseAddress else {
            for i in 0..<rows * columns { c[i] = 0 }
            return
          }
          table.pointee.transposed_product_f32(
            rows, depth, columns, a, b + layoutB.offset, layoutB.leadingDimension, c.baseAddress!,
            columns)
        }
      }
    }
  }

  /// `y += scale · x`, in double precision.
  package func add(_ x: Span<Float>, times scale: Double, to y: inout [Double]) {
    precondition(x.count == y.count, "vectors of different lengths")
    if y.isEmpty { return }
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        table.pointee.add_scaled_mixed(y.baseAddress!, x.baseAddress!, scale, y.count)
      }
    }
  }
}
