internal import CKernels

/// A matrix of weights with biases, used where it lies, multiplied as bfloat16 numbers.
///
/// A product waits for its weights, which come from memory, so it has time to be more exact than its
/// factors: each is split into two bfloat16 numbers, together within 2⁻¹⁴ of it, and only the product
/// of the two small ones is left out. Sums and biases are float. Each sum's order is fixed by the
/// depth: its bits depend on its own row and weights alone.
package final class BFloat16InnerProduct: RowProduct {
  package let outputs: Int
  private let depth: Int
  private let kernels: BFloat16Kernels
  /// `outputs × depth`, row-major, of which a pointer can be had without a copy.
  private let weights: StoredFloats
  private let biases: FloatBuffer

  /// - Parameters:
  ///   - weights: `outputs × depth`, row-major. Numbers of other types than float32 are converted,
  ///     into memory of this process.
  ///   - biases: one an output.
  package init(weights: StoredFloats, biases: [Float], kernels: BFloat16Kernels) {
    precondition(!biases.isEmpty && weights.count % biases.count == 0, "weights of another shape")
    outputs = biases.count
    depth = weights.count / biases.count
    precondition(depth > 0, "no weights")
    self.kernels = kernels
    self.weights = weights.filled(rows: outputs, toMultipleOf: InnerProduct.depthStep)
    self.biases = FloatBuffer(count: biases.count)
    self.biases.replace(from: 0, with: biases)
  }

  /// What the kernels take for the depth: rows end in zeros, and so do those of the weights.
  private var filledDepth: Int {
    let step = InnerProduct.depthStep
    return (depth + step - 1) / step * step
  }

  package func packedFloats(count: Int) -> Int { decaf_bfloat16_row_count(count, filledDepth) / 2 }
  package func sumFloats(count: Int) -> Int { decaf_bfloat16_sum_count(outputs) }

  package let outputStep = 16

  package func pack(_ rows: RowMatrix, count: Int, into buffer: FloatBuffer) -> PackedRows {
    precondition(rows.width == depth && count >= 0 && count <= rows.count, "no such rows")
    precondition(buffer.count >= packedFloats(count: count), "no room for packed rows")
    kernels.table.pointee.pack_rows(
      rows.buffer.base, rows.pitch, count, filledDepth, buffer.halves)
    return PackedRows(
      matrix: rows, count: count, isSparse: false, numberCount: count * depth, buffer: buffer)
  }

  package func run(
    outputs range: Range<Int>, of rows: PackedRows, sums: FloatBuffer, into output: RowMatrix,
    rectify: Bool
  ) {
    check(range, of: rows, depth: depth, sums: sums, into: output)
    weights.withBytesInPlace { weights in
      var product = decaf_inner_product(
        weights: weights, biases: biases.base, outputs: outputs, depth: filledDepth)
      kernels.table.pointee.inner_product(
        &product, rows.buffer.halves, rows.count, range.lowerBound, range.upperBound, sums.base,
        output.buffer.base, output.pitch, rectify ? 1 : 0)
    }
  }
}
