internal import Communication
internal import Tensors

/// A parameter's gradient: of each of a rank's blocks, and of all blocks together.
struct BlockTerms: Sendable {
  /// A term for each of the rank's blocks, one after the other.
  let terms: FloatBuffer
  let sums: FloatBuffer
}

/// Sums of gradients over the blocks of a batch, wherever the blocks were computed.
///
/// A block's gradient has one order of additions. Blocks are added in fixed point, with a unit taken
/// from the largest number of any block, so that neither ranks nor their order show in the bits.
enum BlockSums {
  /// Numbers that one iteration of a loop adds up; even, for they are summed in pairs.
  private static let tile = 1 << 16

  /// A part of a gradient, and where its units lie among those of all.
  private struct Tile {
    let number: Int
    let range: Range<Int>
    let units: Range<Int>
  }

  /// Replaces the sums by those of all blocks' terms. Collective, unless the rank has all blocks.
  ///
  /// All gradients of a step travel together: each time that ranks wait for each other costs more than
  /// a small one's way.
  ///
  /// - Throws: `NotFinite` on all ranks when a term is no number.
  static func reduce(_ gradients: [BlockTerms], of images: ImageSet, _ machine: Machine) throws {
    if gradients.isEmpty { return }
    let (blocks, kernels) = (images.blocks.count, machine.kernels)
    let tiles = tiles(gradients)
    let magnitudes = machine.team.map(tiles.count) { index, _ in
      // Bits are compared, for which NaN is larger than all numbers.
      (0..<blocks).map { kernels.largestMagnitude(term(tiles[index], $0, gradients)).bitPattern }
        .max() ?? 0
    }
    var largest = [Float](repeating: 0, count: gradients.count)
    for (tile, bits) in zip(tiles, magnitudes) where bits > largest[tile.number].bitPattern {
      largest[tile.number] = Float(bitPattern: bits)
    }
    if !images.isWholeBatch { try machine.largest(&largest) }
    guard largest.allSatisfy(\.isFinite) else { throw NotFinite() }
    let sums = largest.map { PairSum(largest: $0, termCount: images.blockCount) }
    let units = machine.shared.part(.units, tiles.last!.units.upperBound)
    machine.team.forEach(tiles.count) { index, _ in
      let part = units.part(tiles[index].units)
      part.clear()
      for block in 0..<blocks {
        sums[tiles[index].number].add(term(tiles[index], block, gradients), to: part, kernels)
      }
    }
    if !images.isWholeBatch { try machine.sum(units) }
    machine.team.forEach(tiles.count) { index, _ in
      let tile = tiles[index]
      sums[tile.number].read(
        units.part(tile.units), into: BufferPart(gradients[tile.number].sums, tile.range), kernels)
    }
  }

  private static func tiles(_ gradients: [BlockTerms]) -> [Tile] {
    var start = 0
    return gradients.enumerated().flatMap { number, gradient in
      stride(from: 0, to: gradient.sums.count, by: tile).map { first in
        let range = first..<min(first + tile, gradient.sums.count)
        let units = start..<start + PairSum.floats(range.count)
        start = units.upperBound
        return Tile(number: number, range: range, units: units)
      }
    }
  }

  private static func term(_ tile: Tile, _ block: Int, _ gradients: [BlockTerms]) -> BufferPart {
    let gradient = gradients[tile.number]
    return BufferPart(
      gradient.terms, at: block * gradient.sums.count + tile.range.lowerBound,
      count: tile.range.count)
  }
}

/// A gradient is no number any more.
struct NotFinite: Error {}
