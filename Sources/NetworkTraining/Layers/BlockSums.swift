internal import Communication
internal import Tensors

/// Sums of a parameter's gradient over the blocks of a batch, wherever the blocks were computed.
///
/// A block's gradient has one order of additions. Blocks are added in fixed point, with a unit taken
/// from the largest number of any block, so that neither ranks nor their order show in the bits.
enum BlockSums {
  /// Numbers that one iteration of a loop adds up; even, for they are summed in pairs.
  private static let tile = 1 << 16

  /// Replaces `sums` by the sum of all blocks' terms. Collective, unless the rank has all blocks.
  ///
  /// - Parameter terms: `images.blocks.count` times `sums.count` floats.
  /// - Throws: `NotFinite` on all ranks when a term is no number.
  static func reduce(
    _ terms: FloatBuffer, of images: ImageSet, into sums: FloatBuffer, _ machine: Machine
  ) throws {
    let (count, blocks, kernels) = (sums.count, images.blocks.count, machine.kernels)
    let tiles = stride(from: 0, to: count, by: tile).map { $0..<min($0 + tile, count) }
    let magnitudes = machine.team.map(tiles.count) { index, _ in
      (0..<blocks).map { block in
        let range = tiles[index]
        return kernels.largestMagnitude(
          BufferPart(terms, at: block * count + range.lowerBound, count: range.count))
      }
    }.joined()
    var largest: Float = 0
    // Bits are compared, for which NaN is larger than all numbers.
    for value in magnitudes where value.bitPattern > largest.bitPattern { largest = value }
    if !images.isWholeBatch { largest = try machine.largest(largest) }
    guard largest.isFinite else { throw NotFinite() }
    let sum = PairSum(largest: largest, termCount: images.blockCount)
    var units = machine.team.map(tiles.count) { index, _ in
      let range = tiles[index]
      var units = [Int64](repeating: 0, count: PairSum.unitCount(range.count))
      for block in 0..<blocks {
        sum.add(
          BufferPart(terms, at: block * count + range.lowerBound, count: range.count), to: &units,
          kernels)
      }
      return units
    }
    if !images.isWholeBatch && machine.communicator.size > 1 {
      var all = Array(units.joined())
      try machine.communicator.allreduce(&all, .sum)
      units = tiles.map { range in
        Array(
          all[range.lowerBound / 2..<range.lowerBound / 2 + PairSum.unitCount(range.count)])
      }
    }
    let reduced = units
    machine.team.forEach(tiles.count) { index, _ in
      sum.read(reduced[index], into: BufferPart(sums, tiles[index]), kernels)
    }
  }
}

/// A gradient is no number any more.
struct NotFinite: Error {}
