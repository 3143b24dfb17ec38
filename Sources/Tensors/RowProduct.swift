/// A matrix of weights with biases, whatever way rows are multiplied by it:
/// `output[r][o] = bias[o] + Σ input[r][k] · weight[o][k]`.
package protocol RowProduct: Sendable {
  var outputs: Int { get }
  /// Floats of the buffers that `pack` and `run` work in, for `count` rows.
  func packedFloats(count: Int) -> Int
  func sumFloats(count: Int) -> Int
  /// Packs the first `count` of `rows` for `run`.
  func pack(_ rows: RowMatrix, count: Int, into packed: FloatBuffer)
  /// Computes some outputs of the first `count` rows; threads may compute different ones at once.
  ///
  /// - Parameters:
  ///   - range: the outputs, from a multiple of `outputStep` on.
  ///   - packed: as `pack` left it.
  ///   - sums: at least `sumFloats` floats, shared by the threads.
  ///   - rectify: replace outputs below zero by zero.
  func run(
    outputs range: Range<Int>, of rows: RowMatrix, count: Int, packed: FloatBuffer,
    sums: FloatBuffer, into output: RowMatrix, rectify: Bool)
}

extension RowProduct {
  /// Where `run` may cut the outputs: multiples of this.
  package static var outputStep: Int { 16 }

  /// The outputs of one of `count` parts, about equal.
  package func outputs(ofPart part: Int, of count: Int) -> Range<Int> {
    let steps = (outputs + Self.outputStep - 1) / Self.outputStep
    let bound = { (part: Int) in min(steps * part / count * Self.outputStep, outputs) }
    return bound(part)..<bound(part + 1)
  }
}
