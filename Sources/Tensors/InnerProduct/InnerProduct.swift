internal import CKernels

/// A matrix of weights with biases, used where it lies: ranks that map one file share its pages.
///
/// `output[r][o] = bias[o] + Σ input[r][k] · weight[o][k]`, each sum one chain of multiply-adds from
/// zero in the order of k: its bits depend on its own row and weights and on nothing else. Where the
/// weights lie in panels too, inputs that are zero are left out: an addition of zero changes no sum, as
/// long as the weights are finite.
package final class InnerProduct: RowProduct {
  package let outputs: Int
  package let depth: Int
  private let kernels: NetworkKernels
  /// `outputs × filledDepth`, row-major, of which a pointer can be had without a copy.
  private let weights: StoredFloats
  /// The same in panels, in the same way; nil if there are none.
  private let panels: StoredFloats?
  private let panelFloats: Int
  private let biases: FloatBuffer

  /// Depths are multiples of this: the kernels take a cache line of a row at a time.
  package static let depthStep = 16

  /// Sixteenths of the inputs of several rows up to which leaving out the zeros is faster than
  /// multiplying by all.
  private static let mostNonzeroSixteenths = 9
  private static let slabDepth = Int(DECAF_SPARSE_SLAB)

  /// - Parameters:
  ///   - weights: `outputs × depth`, row-major. Numbers of other types than float32 are converted,
  ///     into memory of this process.
  ///   - panels: the same numbers as `WeightPanels`; not used when they are of another type.
  ///   - biases: one an output.
  package init(
    weights: StoredFloats, panels: StoredFloats? = nil, biases: [Float], kernels: NetworkKernels
  ) {
    precondition(!biases.isEmpty && weights.count % biases.count == 0, "weights of another shape")
    outputs = biases.count
    depth = weights.count / biases.count
    precondition(depth > 0 && weights.count <= Int(Int32.max), "too few weights, or too many")
    self.kernels = kernels
    self.weights = weights.filled(rows: outputs, toMultipleOf: Self.depthStep)
    // The kernels for inputs without zeros want a whole number of steps.
    let expected =
      depth % Self.depthStep == 0 ? WeightPanels(of: weights, outputs: outputs).floatCount : 0
    precondition(panels == nil || panels!.count == expected, "panels of another shape")
    panelFloats = expected
    self.panels = panels.flatMap { $0.isInPlace ? $0 : nil }
    self.biases = FloatBuffer(count: biases.count)
    self.biases.replace(from: 0, with: biases)
  }

  /// What the kernels take for the depth: a whole number of steps. Rows end in zeros, and so do those
  /// of the weights, which changes no sum.
  private var filledDepth: Int { (depth + Self.depthStep - 1) / Self.depthStep * Self.depthStep }

  package var outputStep: Int { panels == nil ? 16 : WeightPanels.width }

  /// The most rows that `count` of them take once packed.
  private func packedRows(_ count: Int) -> Int {
    (count + kernels.mostColumns - 1) / kernels.mostColumns * kernels.mostColumns
  }

  /// The most numbers of `count` rows that are packed without the zeros: all of a single row, which
  /// waits for its weights.
  private func mostNonzeros(_ count: Int) -> Int {
    count == 1 ? depth : count * depth * Self.mostNonzeroSixteenths / 16
  }

  package func packedFloats(count: Int) -> Int {
    let dense = packedRows(count) * filledDepth
    if panels == nil { return dense }
    let slabs = (depth + Self.slabDepth - 1) / Self.slabDepth
    return max(dense, 2 * mostNonzeros(count) + slabs * count + 6)
  }

  package func sumFloats(count: Int) -> Int {
    let dense = packedRows(count) * outputs
    if panels == nil { return dense }
    return max(dense, count * panelFloats / depth)
  }

  package func pack(_ rows: RowMatrix, count: Int, into buffer: FloatBuffer) -> PackedRows {
    precondition(rows.width == depth && count >= 0 && count <= rows.count, "no such rows")
    precondition(buffer.count >= packedFloats(count: count), "no room for packed rows")
    if panels != nil {
      let nonzeros = kernels.table.pointee.pack_nonzeros(
        rows.buffer.base, rows.pitch, count, depth, mostNonzeros(count), buffer.base)
      if nonzeros <= mostNonzeros(count) {
        return PackedRows(
          matrix: rows, count: count, isSparse: true, numberCount: nonzeros, buffer: buffer)
      }
    }
    // A single row is used as it is.
    if count > 1 {
      kernels.table.pointee.pack_inputs(
        rows.buffer.base, rows.pitch, count, filledDepth, buffer.base)
    }
    return PackedRows(
      matrix: rows, count: count, isSparse: false, numberCount: count * depth, buffer: buffer)
  }

  package func run(
    outputs range: Range<Int>, of rows: PackedRows, sums: FloatBuffer, into output: RowMatrix,
    rectify: Bool
  ) {
    check(range, of: rows, depth: depth, sums: sums, into: output)
    if rows.count == 0 || range.isEmpty { return }
    (rows.isSparse ? panels! : weights).withBytesInPlace { weights in
      var product = decaf_inner_product(
        weights: weights, biases: biases.base, outputs: outputs, depth: filledDepth)
      let rectify: Int32 = rectify ? 1 : 0
      if rows.isSparse {
        kernels.table.pointee.sparse_inner_product(
          &product, rows.buffer.base, rows.count, range.lowerBound, range.upperBound, sums.base,
          output.buffer.base, output.pitch, rectify)
      } else if rows.count == 1 {
        kernels.table.pointee.inner_product_row(
          &product, rows.matrix.buffer.base, range.lowerBound, range.upperBound, output.buffer.base,
          rectify)
      } else {
        kernels.table.pointee.inner_product(
          &product, rows.buffer.base, rows.count, range.lowerBound, range.upperBound, sums.base,
          output.buffer.base, output.pitch, rectify)
      }
    }
  }
}
