internal import CKernels

/// Filters of a square image, given by their transfer functions, and the mean magnitude of what each
/// lets through, block by block.
///
/// Products of Fourier transforms: filtering goes round the image's edges. Every kernel class gives the
/// same bits.
package final class FilterBank: Sendable {
  /// Pixels along each side of an image.
  package let size: Int
  /// Of the part that is measured, along an axis.
  package let blocks: Int
  package let filterCount: Int
  /// Means of all filters: for each `blocks×blocks`, a column of blocks after the other.
  package var responseCount: Int { filterCount * blocks * blocks }

  private let border: Int
  private let kernels: DescriptorKernels
  private let twiddles: FloatBuffer
  /// One after the other, each divided by `size²`.
  private let filters: FloatBuffer

  /// What one thread filters in.
  package final class Workspace {
    /// The image, `size×size`, row-major.
    package let image: FloatBuffer
    fileprivate let spectrum: FloatBuffer
    fileprivate let scratch: FloatBuffer

    fileprivate init(_ size: Int) {
      image = FloatBuffer(count: size * size)
      spectrum = FloatBuffer(count: 2 * size * size)
      scratch = FloatBuffer(count: size * (2 * size + 64))
    }
  }

  /// - Parameters:
  ///   - size: a multiple of 64 with no prime factor above 5.
  ///   - border: pixels beside each edge that are not measured.
  ///   - blocks: along an axis, each a multiple of 16 pixels.
  ///   - turns: cos and sin of `2π·i / size` for every i.
  ///   - transfer: the gain of a filter at a frequency, cycles along a column and along a row in
  ///     `-size / 2 ..< size / 2`.
  package init(
    size: Int, border: Int, blocks: Int, filterCount: Int, kernelClass: KernelClass,
    turns: [(cos: Double, sin: Double)],
    transfer: (_ filter: Int, _ column: Int, _ row: Int) -> Double
  ) {
    let inner = size - 2 * border
    precondition(
      size % 64 == 0 && border >= 0 && inner > 0 && blocks > 0 && inner % (16 * blocks) == 0
        && turns.count == size, "no such bank of filters")
    (self.size, self.border, self.blocks) = (size, border, blocks)
    self.filterCount = filterCount
    kernels = DescriptorKernels(kernelClass)
    twiddles = FloatBuffer(count: 2 * size)
    for (i, turn) in turns.enumerated() {
      twiddles[2 * i] = Float(turn.cos)
      twiddles[2 * i + 1] = Float(-turn.sin)
    }
    filters = FloatBuffer(count: filterCount * size * size)
    let scale = 1 / Double(size * size)
    let signed = { (index: Int) in index < size / 2 ? index : index - size }
    for filter in 0..<filterCount {
      for v in 0..<size {
        for u in 0..<size {
          filters[(filter * size + v) * size + u] = Float(
            transfer(filter, signed(u), signed(v)) * scale)
        }
      }
    }
  }

  package func makeWorkspace() -> Workspace { Workspace(size) }

  /// The responses to the workspace's image, written from `start` on.
  package func run(in workspace: Workspace, into output: FloatBuffer, at start: Int) {
    precondition(
      start >= 0 && responseCount <= output.count - start && workspace.image.count == size * size,
      "no room for the responses")
    var gabor = decaf_gabor(size: size, twiddles: twiddles.base, border: border, blocks: blocks)
    let (re, im) = (workspace.spectrum.base, workspace.spectrum.base + size * size)
    let scratch = workspace.scratch.base
    kernels.table.pointee.gabor_spectrum(&gabor, workspace.image.base, re, im, scratch)
    for filter in 0..<filterCount {
      kernels.table.pointee.gabor_response(
        &gabor, re, im, filters.base + filter * size * size,
        output.base + start + filter * blocks * blocks, scratch)
    }
  }
}

/// Kernels of descriptors, compiled for one instruction set.
struct DescriptorKernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_descriptor_kernels>

  /// - Precondition: the class is one of `KernelClass.supported`.
  init(_ kernelClass: KernelClass) { table = kernelClass.runnableSet.descriptors! }
}
