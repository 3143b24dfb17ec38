internal import Files
internal import Tensors

/// A step of the part of the network whose activations are rows; runs for a whole batch.
enum RowStep: Sendable {
  case innerProduct(any RowProduct, from: RowMatrix, to: RowMatrix, rectify: Bool)
  /// What is below zero becomes zero; the values before stay in `from`.
  case rectification(from: RowMatrix, to: RowMatrix)
  case softmax(from: RowMatrix, to: RowMatrix)

  /// - Parameters:
  ///   - count: rows.
  ///   - scratch: for inner products.
  /// - Returns: the multiply-adds of an inner product that were made, else 0.
  @discardableResult
  func run(count: Int, _ team: ThreadTeam, scratch: RowScratch) -> Int {
    switch self {
    case .innerProduct(let product, let from, let to, let rectify):
      let rows = product.pack(from, count: count, into: scratch.packed)
      // Each part reads all inputs once: few parts, yet enough that no thread waits long at the end.
      let parts = team.threadCount == 1 ? 1 : 4 * team.threadCount
      team.forEach(parts) { part, _ in
        product.run(
          outputs: product.outputs(ofPart: part, of: parts), of: rows, sums: scratch.sums, into: to,
          rectify: rectify)
      }
      return rows.numberCount * product.outputs
    case .rectification(let from, let to):
      team.forEach(count) { row, _ in
        from.buffer.withSpan(from.range(ofRow: row)) { before in
          to.buffer.withMutableSpan(to.range(ofRow: row)) { after in
            for i in 0..<before.count { after[i] = before[i] < 0 ? 0 : before[i] }
          }
        }
      }
      return 0
    case .softmax(let from, let to):
      team.forEach(count) { row, _ in
        from.buffer.withSpan(from.range(ofRow: row)) { logits in
          to.buffer.withMutableSpan(to.range(ofRow: row)) { probabilities in
            Tensors.softmax(logits, into: &probabilities)
          }
        }
      }
      return 0
    }
  }
}

/// What all inner products work in, one after the other.
struct RowScratch: Sendable {
  let packed: FloatBuffer
  let sums: FloatBuffer

  /// - Parameter count: most rows.
  init(_ steps: [RowStep], count: Int) {
    let products = steps.compactMap {
      if case .innerProduct(let product, _, _, _) = $0 { product } else { nil }
    }
    packed = FloatBuffer(count: products.map { $0.packedFloats(count: count) }.max() ?? 0)
    sums = FloatBuffer(count: products.map { $0.sumFloats(count: count) }.max() ?? 0)
  }
}
