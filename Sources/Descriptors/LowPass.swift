internal import Tensors

/// The slow waves of a square image: circular convolution with a Gaussian, given by its gain
/// `exp(−f² / cutoff²)` at f cycles an image along each axis.
///
/// The gain falls so fast that a few frequencies are all there is: the filter is `B·Bᵀ·X·B·Bᵀ`, where
/// the columns of B are those cosines and sines.
final class LowPass {
  private let size: Int
  private let kernels: TrainingKernels
  /// Columns of B.
  private let count: Int
  /// B, `size×count`, and its transpose.
  private let basis, transposed: [Float]
  private let packedBasis = PackedMatrix<Float>()
  private let packedTransposed = PackedMatrix<Float>()
  private let packedPart = PackedMatrix<Float>()

  /// Gains below this are taken for zero.
  private static let least = 1e-11

  init(size: Int, cutoff: Double, kernelClass: KernelClass) {
    self.size = size
    kernels = TrainingKernels(kernelClass)
    let turns = Elementary.turns(size)
    var columns: [[Double]] = []
    for f in 0..<(size / 2) {
      let gain = Elementary.exp(-Double(f * f) / (cutoff * cutoff))
      if gain < Self.least { break }
      // Frequencies other than zero come twice, as f and −f.
      let length = ((f == 0 ? 1 : 2) * gain / Double(size)).squareRoot()
      columns.append((0..<size).map { length * turns[f * $0 % size].cos })
      if f > 0 { columns.append((0..<size).map { length * turns[f * $0 % size].sin }) }
    }
    count = columns.count
    let transposed = columns.flatMap { $0.map { Float($0) } }
    let basis = (0..<size).flatMap { i in columns.map { Float($0[i]) } }
    (self.basis, self.transposed) = (basis, transposed)
    kernels.pack(
      basis.span, MatrixLayout(leadingDimension: count), depth: size, columns: count,
      into: packedBasis)
    kernels.pack(
      transposed.span, MatrixLayout(leadingDimension: size), depth: count, columns: size,
      into: packedTransposed)
  }

  /// Filters `image`, `size×size`, row-major, into `output`.
  func run(_ image: [Float], into output: inout [Float]) {
    let (long, short) = (
      MatrixLayout(leadingDimension: size), MatrixLayout(leadingDimension: count)
    )
    let (basis, transposed) = (basis, transposed)
    var narrow = [Float](repeating: 0, count: size * count)
    var product = [Float](repeating: 0, count: count * count)
    kernels.multiply(rows: size, image.span, long, packedBasis, into: &narrow, short)
    kernels.pack(narrow.span, short, depth: size, columns: count, into: packedPart)
    kernels.multiply(rows: count, transposed.span, long, packedPart, into: &product, short)
    kernels.pack(product.span, short, depth: count, columns: count, into: packedPart)
    kernels.multiply(rows: size, basis.span, short, packedPart, into: &narrow, short)
    kernels.multiply(rows: size, narrow.span, short, packedTransposed, into: &output, long)
  }
}
