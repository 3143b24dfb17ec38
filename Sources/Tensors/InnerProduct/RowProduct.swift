/// A matrix of weights with biases, whatever way rows are multiplied by it:
/// `output[r][o] = bias[o] + Σ input[r][k] · weight[o][k]`.
package protocol RowProduct: Sendable {
  var outputs: Int { get }
  /// Where `run` may cut the outputs: multiples of this.
  var outputStep: Int { get }
  /// Floats of the buffers that `pack` and `run` work in, for `count` rows.
  func packedFloats(count: Int) -> Int
  func sumFloats(count: Int) -> Int
  /// Packs the first `count` of `rows` for `run`, into `buffer`, which `run` reads.
  func pack(_ rows: RowMatrix, count: Int, into buffer: FloatBuffer) -> PackedRows
  /// Computes some outputs of rows; threads may compute different ones at once.
  ///
  /// - Parameters:
  ///   - range: the outputs, from a multiple of `outputStep` on.
  ///   - rows: as `pack` returned them.
  ///   - sums: at least `sumFloats` floats, shared by the threads.
  ///   - rectify: replace outputs below zero by zero.
  func run(
    outputs range: Range<Int>, of rows: PackedRows, sums: FloatBuffer, into output: RowMatrix,
    rectify: Bool)
}

/// Rows in the order in which a product reads them.
package struct PackedRows: Sendable {
  /// Where they come from.
  package let matrix: RowMatrix
  package let count: Int
  /// They are packed as their numbers other than zero.
  package let isSparse: Bool
  /// Of all rows together, the numbers that each output multiplies with weights.
  package let numberCount: Int
  let buffer: FloatBuffer
}

extension RowProduct {
  /// The outputs of one of `count` parts, about equal.
  package func outputs(ofPart part: Int, of count: Int) -> Range<Int> {
    let steps = (outputs + outputStep - 1) / outputStep
    let bound = { (part: Int) in min(steps * part / count * outputStep, outputs) }
    return bound(part)..<bound(part + 1)
  }

  /// What `run` demands of its arguments.
  func check(
    _ range: Range<Int>, of rows: PackedRows, depth: Int, sums: FloatBuffer, into output: RowMatrix
  ) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= outputs && range.lowerBound % outputStep == 0
        && (range.upperBound % outputStep == 0 || range.upperBound == outputs), "no such outputs")
    precondition(rows.count <= output.count, "no such rows")
    precondition(rows.matrix.width == depth && output.width == outputs, "rows of another width")
    precondition(
      rows.buffer.count >= packedFloats(count: rows.count)
        && sums.count >= sumFloats(count: rows.count), "too small buffers")
  }
}
