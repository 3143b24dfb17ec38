internal import CKernels

/// The element types that matrix products have kernels for: `Float` and `Double`.
///
/// What differs between the types is which entry of the table is called, and nothing else. Only
/// `TrainingKernels` calls these; it checks all sizes before. Strides are in elements.
package protocol MatrixElement: BinaryFloatingPoint, Sendable {
  /// Elements that B, `depth×columns`, takes once packed.
  static func packedCount(depth: Int, columns: Int, _ kernels: TrainingKernels) -> Int

  /// Packs B, whose stored rows begin `stride` apart.
  static func pack(
    _ b: UnsafePointer<Self>, stride: Int, isTransposed: Bool, depth: Int, columns: Int,
    into packed: UnsafeMutablePointer<Self>, _ kernels: TrainingKernels)

  /// `C ← A·B`, or `C ← C + A·B` when `adding`; A may be nil where it has no elements.
  static func multiply(
    rows: Int, _ a: UnsafePointer<Self>?, stride: Int, _ b: PackedMatrix<Self>,
    into c: UnsafeMutablePointer<Self>, stride targetStride: Int, adding: Bool,
    _ kernels: TrainingKernels)
}

extension Float: MatrixElement {
  package static func packedCount(depth: Int, columns: Int, _ kernels: TrainingKernels) -> Int {
    kernels.table.pointee.packed_count_f32(depth, columns)
  }

  package static func pack(
    _ b: UnsafePointer<Float>, stride: Int, isTransposed: Bool, depth: Int, columns: Int,
    into packed: UnsafeMutablePointer<Float>, _ kernels: TrainingKernels
  ) {
    let table = kernels.table.pointee
    (isTransposed ? table.pack_transposed_f32 : table.pack_f32)!(b, stride, depth, columns, packed)
  }

  package static func multiply(
    rows: Int, _ a: UnsafePointer<Float>?, stride: Int, _ b: PackedMatrix<Float>,
    into c: UnsafeMutablePointer<Float>, stride targetStride: Int, adding: Bool,
    _ kernels: TrainingKernels
  ) {
    kernels.table.pointee.product_f32(
      rows, b.depth, b.columns, a, stride, b.base, c, targetStride, adding ? 1 : 0)
  }
}

extension Double: MatrixElement {
  package static func packedCount(depth: Int, columns: Int, _ kernels: TrainingKernels) -> Int {
    kernels.table.pointee.packed_count_f64(depth, columns)
  }

  package static func pack(
    _ b: UnsafePointer<Double>, stride: Int, isTransposed: Bool, depth: Int, columns: Int,
    into packed: UnsafeMutablePointer<Double>, _ kernels: TrainingKernels
  ) {
    let table = kernels.table.pointee
    (isTransposed ? table.pack_transposed_f64 : table.pack_f64)!(b, stride, depth, columns, packed)
  }

  package static func multiply(
    rows: Int, _ a: UnsafePointer<Double>?, stride: Int, _ b: PackedMatrix<Double>,
    into c: UnsafeMutablePointer<Double>, stride targetStride: Int, adding: Bool,
    _ kernels: TrainingKernels
  ) {
    kernels.table.pointee.product_f64(
      rows, b.depth, b.columns, a, stride, b.base, c, targetStride, adding ? 1 : 0)
  }
}
