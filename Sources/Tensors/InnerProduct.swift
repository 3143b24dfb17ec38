internal import CKernels

/// A matrix of weights with biases, used where it lies: ranks that map one file share its pages.
///
/// `output[r][o] = bias[o] + Σ input[r][k] · weight[o][k]`, each sum one chain of multiply-adds from
/// zero in the order of k: its bits depend on its own row and weights and on nothing else.
package final class InnerProduct: RowProduct {
  package let outputs: Int
  package let depth: Int
  private let kernels: Kernels
  /// `outputs × depth`, row-major, of which a pointer can be had without a copy.
  private let weights: StoredFloats
  private let biases: FloatBuffer

  /// Depths are multiples of this: the kernels take a cache line of a row at a time.
  package static let depthStep = 16

  /// - Parameters:
  ///   - weights: `outputs × depth`, row-major. Numbers of other types than float32 are converted,
  ///     into memory of this process.
  ///   - biases: one an output.
  /// - Precondition: the depth is a multiple of `depthStep`.
  package init(weights: StoredFloats, biases: [Float], kernels: Kernels) {
    precondition(!biases.isEmpty && weights.count % biases.count == 0, "weights of another shape")
    outputs = biases.count
    depth = weights.count / biases.count
    precondition(depth % Self.depthStep == 0 && depth > 0, "depth \(depth)")
    precondition(weights.count <= Int(Int32.max), "too many weights")
    self.kernels = kernels
    self.weights = weights.isInPlace ? weights : StoredFloats(weights.floats())
    self.biases = FloatBuffer(count: biases.count)
    self.biases.replace(from: 0, with: biases)
  }

  /// The most rows that `count` of them take once packed.
  private func packedRows(_ count: Int) -> Int {
    (count + kernels.mostColumns - 1) / kernels.mostColumns * kernels.mostColumns
  }

  package func packedFloats(count: Int) -> Int { packedRows(count) * depth }
  package func sumFloats(count: Int) -> Int { packedRows(count) * outputs }

  /// Packs the first `count` of `rows` for `run`; a single row is used as it is.
  package func pack(_ rows: RowMatrix, count: Int, into packed: FloatBuffer) {
    precondition(rows.width == depth && count >= 0 && count <= rows.count, "no such rows")
    precondition(packed.count >= packedFloats(count: count), "no room for packed rows")
    if count < 2 { return }
    kernels.table.pointee.pack_inputs(rows.buffer.base, rows.pitch, count, depth, packed.base)
  }

  package func run(
    outputs range: Range<Int>, of rows: RowMatrix, count: Int, packed: FloatBuffer,
    sums: FloatBuffer, into output: RowMatrix, rectify: Bool
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= outputs, "no such outputs")
    precondition(count >= 0 && count <= min(rows.count, output.count), "no such rows")
    precondition(rows.width == depth && output.width == outputs, "rows of another width")
    precondition(
      packed.count >= packedFloats(count: count) && sums.count >= sumFloats(count: count),
      "too small buffers")
    if count == 0 || range.isEmpty { return }
    weights.withBytesInPlace { weights in
      var product = decaf_inner_product(
        weights: weights, biases: biases.base, outputs: outputs, depth: depth)
      if count == 1 {
        kernels.table.pointee.inner_product_row(
          &product, rows.buffer.base, range.lowerBound, range.upperBound, output.buffer.base,
          rectify ? 1 : 0)
      } else {
        kernels.table.pointee.inner_product(
          &product, packed.base, count, range.lowerBound, range.upperBound, sums.base,
          output.buffer.base, output.pitch, rectify ? 1 : 0)
      }
    }
  }
}
