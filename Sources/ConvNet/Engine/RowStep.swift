internal import Tensors

/// A step of the part of the network whose activations are rows; runs for a whole batch.
protocol RowStep: Sendable {
  /// Name of the layer, for reports.
  var layer: String { get }
  /// Floats of the buffers that the step works in, for `count` rows; none by default.
  func scratch(count: Int) -> (packed: Int, sums: Int)
  /// - Parameter count: rows.
  /// - Returns: the multiply-adds of an inner product that were made, else 0.
  @discardableResult
  func run(count: Int, _ team: ThreadTeam, scratch: RowScratch) -> Int
}

extension RowStep {
  func scratch(count: Int) -> (packed: Int, sums: Int) { (0, 0) }
}

/// What all inner products work in, one after the other.
struct RowScratch: Sendable {
  let packed: FloatBuffer
  let sums: FloatBuffer

  /// - Parameter count: most rows.
  init(_ steps: [any RowStep], count: Int) {
    let needs = steps.map { $0.scratch(count: count) }
    packed = FloatBuffer(count: needs.map(\.packed).max() ?? 0)
    sums = FloatBuffer(count: needs.map(\.sums).max() ?? 0)
  }
}
