internal import Tensors

/// Rows along random directions, which keeps their distances nearly (Johnson and Lindenstrauss, 1984):
/// `P·x / √width`, the numbers of P nearly normal, of mean 0 and variance 1.
struct RandomProjection: Sendable {
  let width: Int
  /// `rows×width`.
  let values: [Float]

  /// Rows projected by one thread at a time, and values of a row that are multiplied at a time.
  private static let (rowBlock, slab) = (128, 1024)

  /// - Parameters:
  ///   - depth: values of a row.
  ///   - read: appends some rows.
  /// - Throws: what `read` throws.
  init(
    count: Int, depth: Int, to width: Int, seed: UInt64, team: ThreadTeam,
    read: @Sendable (_ rows: Range<Int>, _ values: inout [Float]) throws -> Void
  ) throws {
    self.width = width
    let slabs = stride(from: 0, to: depth, by: Self.slab).map {
      $0..<min($0 + Self.slab, depth)
    }
    // A stream of chance for each slab: threads draw them in any order.
    let directions = team.map(slabs.count) { index, _ in
      var chance = SeededGenerator(seed: seed, stream: 0x7072_6f6a &+ UInt64(index))
      let scale = 1 / Float(width).squareRoot()
      let numbers = (0..<slabs[index].count * width).map { _ in chance.normal() * scale }
      let packed = PackedMatrix<Float>()
      TrainingKernels.fastest.pack(
        numbers.span, MatrixLayout(leadingDimension: width), depth: slabs[index].count,
        columns: width, into: packed)
      return packed
    }
    let blocks = stride(from: 0, to: count, by: Self.rowBlock).map {
      $0..<min($0 + Self.rowBlock, count)
    }
    values = try team.throwingMap(blocks.count) { index, _ in
      var block: [Float] = []
      try read(blocks[index], &block)
      var result = [Float](repeating: 0, count: blocks[index].count * width)
      for (slab, packed) in zip(slabs, directions) {
        TrainingKernels.fastest.multiply(
          rows: blocks[index].count, block.span,
          MatrixLayout(leadingDimension: depth, offset: slab.lowerBound), packed, into: &result,
          MatrixLayout(leadingDimension: width), adding: true)
      }
      return result
    }.flatMap { $0 }
  }
}
