internal import Tensors

/// An inner product of all rows, with the ReLU behind it if need be.
struct InnerProductStep: RowStep {
  let layer: String
  let product: any RowProduct
  let from: RowMatrix
  let to: RowMatrix
  let rectify: Bool

  func scratch(count: Int) -> (packed: Int, sums: Int) {
    (product.packedFloats(count: count), product.sumFloats(count: count))
  }

  func run(count: Int, _ team: ThreadTeam, scratch: RowScratch) -> Int {
    let rows = product.pack(from, count: count, into: scratch.packed)
    // Each part reads all inputs once: few parts, yet enough that no thread waits long at the end.
    let parts = team.threadCount == 1 ? 1 : 4 * team.threadCount
    team.forEach(parts) { part, _ in
      product.run(
        outputs: product.outputs(ofPart: part, of: parts), of: rows, sums: scratch.sums, into: to,
        rectify: rectify)
    }
    return rows.numberCount * product.outputs
  }
}
