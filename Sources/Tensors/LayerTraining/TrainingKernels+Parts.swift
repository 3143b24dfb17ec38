internal import CKernels

/// Products of matrices in buffers that several threads work on, each in parts of its own.
extension TrainingKernels {
  /// Packs B, `depth×columns`, out of a part of a buffer; see `pack(_:_:depth:columns:into:)`.
  package func pack(
    _ b: BufferPart, _ layout: MatrixLayout, depth: Int, columns: Int,
    into packed: PackedMatrix<Float>
  ) {
    b.buffer.withSpan(b.range) { pack($0, layout, depth: depth, columns: columns, into: packed) }
  }

  /// `C ← A·B`, or `C ← C + A·B` when `adding`; see `multiply(rows:_:_:_:into:_:adding:)`.
  package func multiply(
    rows: Int, _ a: BufferPart, _ layoutA: MatrixLayout, _ b: PackedMatrix<Float>,
    into c: BufferPart, _ layoutC: MatrixLayout, adding: Bool = false
  ) {
    precondition(!layoutA.isTransposed && !layoutC.isTransposed, "only B may be transposed")
    precondition(a.count >= layoutA.extent(rows: rows, columns: b.depth), "A is too short")
    precondition(c.count >= layoutC.extent(rows: rows, columns: b.columns), "C is too short")
    if rows == 0 || b.columns == 0 { return }
    table.pointee.product_f32(
      rows, b.depth, b.columns, a.base + layoutA.offset, layoutA.leadingDimension, b.base,
      c.base + layoutC.offset, layoutC.leadingDimension, adding ? 1 : 0)
  }
}
