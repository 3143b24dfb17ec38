internal import CKernels

/// The element types that matrix products have kernels for: `Float` and `Double`.
///
/// What differs between the types is which entry of the table is called, and nothing else. Only
/// `TrainingKernels` calls these; it checks all sizes before.
package protocol MatrixElement: BinaryFloatingPoint, Sendable {
  /// Elements that B, `depth×columns`, takes once packed.
  static func packedCount(depth: Int, columns: Int, _ kernels: TrainingKernels) -> Int

  /// Packs B.
  static func pack(
    _ b: StridedRows<UnsafePointer<Self>>, isTransposed: Bool, depth: Int, columns: Int,
    into packed: UnsafeMutablePointer<Self>, _ kernels: TrainingKernels)

  /// `C ← A·B`, or `C ← C + A·B` when `adding`; A may be nil where it has no elements.
  static func multiply(
    rows: Int, _ a: StridedRows<UnsafePointer<Self>?>, _ b: PackedMatrix<Self>,
    into c: StridedRows<UnsafeMutablePointer<Self>>, adding: Bool, _ kernels: TrainingKernels)
}

/// Where a matrix's stored rows lie: the first one's begin, and the elements from one to the next.
package struct StridedRows<Pointer> {
  let base: Pointer
  let stride: Int
}

extension Float: MatrixElement {
  package static func packedCount(depth: Int, columns: Int, _ kernels: TrainingKernels) -> Int {
    kernels.table.pointee.packed_count_f32(depth, columns)
  }

  package static func pack(
    _ b: StridedRows<UnsafePointer<Float>>, isTransposed: Bool, depth: Int, columns: Int,
    into packed: UnsafeMutablePointer<Float>, _ kernels: TrainingKernels
  ) {
    let table = kernels.table.pointee
    (isTransposed ? table.pack_transposed_f32 : table.pack_f32)!(
      b.base, b.stride, depth, columns, packed)
  }

  package static func multiply(
    rows: Int, _ a: StridedRows<UnsafePointer<Float>?>, _ b: PackedMatrix<Float>,
    into c: StridedRows<UnsafeMutablePointer<Float>>, adding: Bool, _ kernels: TrainingKernels
  ) {
    kernels.table.pointee.product_f32(
      rows, b.depth, b.columns, a.base, a.stride, b.base, c.base, c.stride, adding ? 1 : 0)
  }
}

extension Double: MatrixElement {
  package static func packedCount(depth: Int, columns: Int, _ kernels: TrainingKernels) -> Int {
    kernels.table.pointee.packed_count_f64(depth, columns)
  }

  package static func pack(
    _ b: StridedRows<UnsafePointer<Double>>, isTransposed: Bool, depth: Int, columns: Int,
    into packed: UnsafeMutablePointer<Double>, _ kernels: TrainingKernels
  ) {
    let table = kernels.table.pointee
    (isTransposed ? table.pack_transposed_f64 : table.pack_f64)!(
      b.base, b.stride, depth, columns, packed)
  }

  package static func multiply(
    rows: Int, _ a: StridedRows<UnsafePointer<Double>?>, _ b: PackedMatrix<Double>,
    into c: StridedRows<UnsafeMutablePointer<Double>>, adding: Bool, _ kernels: TrainingKernels
  ) {
    kernels.table.pointee.product_f64(
      rows, b.depth, b.columns, a.base, a.stride, b.base, c.base, c.stride, adding ? 1 : 0)
  }
}
