internal import Tensors

/// ReLU, softmax and their like: every row from one of another matrix, on its own.
struct EachRowStep: RowStep {
  let layer: String
  let from: RowMatrix
  let to: RowMatrix
  /// Makes a row, as wide as the one it is made of.
  let body: @Sendable (_ before: Span<Float>, _ after: inout MutableSpan<Float>) -> Void

  func run(count: Int, _ team: ThreadTeam, scratch: RowScratch) -> Int {
    team.forEach(count) { row, _ in
      from.buffer.withSpan(from.range(ofRow: row)) { before in
        to.buffer.withMutableSpan(to.range(ofRow: row)) { after in body(before, &after) }
      }
    }
    return 0
  }
}
