internal import Communication
internal import Tensors

/// The products of all training rows with each other in single precision, as coordinate descent uses them.
///
/// With them a visit costs a number and a step one row of the matrix, N numbers, where each else reads
/// a row's D features. They are rounded, and so only lead to a point, which is proved on the features
/// themselves: the gap of a point grows with the square of how far it is from the best.
struct RowProducts: Sendable {
  /// A row's products with all.
  private let products: CachedRows
  /// Where each row of the source stands among the training rows; −1 for none of them.
  private let positions: [Int32]

  /// Rows of a tile: their packed features stay in the cache while others are multiplied with them.
  private static let blockRows = 128
  private static let tileWidth = 1024

  /// The largest matrix, in bytes.
  private static let memoryLimit = 1 << 29

  /// Whether making the matrix takes less time than it saves.
  ///
  /// It takes N²D/2 multiplications, and saves a visit all of 2D but N: much where features are many times
  /// as many as rows, and where it serves many classes. On 1000×9216×20 it pays, on 3060×4096×102 visits
  /// are too few for it (measured: 10 % slower).
  static func isWorthwhile(_ rows: LocalRows) -> Bool {
    let count = rows.rowCount
    return 4 * count <= rows.width && 4 * count * count <= memoryLimit
      && count <= 200 * rows.classCount
  }

  /// Multiplies all rows, each tile by one thread of one rank.
  ///
  /// Collective: every rank must call this; each holds the same bytes afterwards.
  init(_ rows: LocalRows, _ context: TrainingContext) throws {
    let (communicator, source, size) = (context.communicator, rows.source, rows.rowCount)
    let blocks = GramMatrix.allBlocks(of: rows, blockRows: Self.blockRows)
    var starts = [0]
    var positions = [Int32](repeating: -1, count: source.rowCount)
    for block in blocks {
      for (i, offset) in block.kept.enumerated() {
        positions[block.rows.lowerBound + offset] = Int32(starts.last! + i)
      }
      starts.append(starts.last! + block.count)
    }
    self.positions = positions
    // A stripe: one block's rows with those of all blocks from it on. The first is the longest, so that
    // ranks and threads that take them in turn end together.
    let own = blocks.indices.filter { $0 % communicator.size == communicator.rank }
    try source.bring(
      own.isEmpty ? [] : blocks[own[0]...].map(\.rows), stays: false, communicator)
    try source.endBringing(communicator)
    let (workspaces, kernels) = (context.workspaces, context.kernels)
    let made = try context.team.throwingMap(own.count) { index, worker in
      try Self.stripe(own[index], blocks, of: source, workspaces[worker], kernels)
    }
    var stripes: [[Float]] = []
    var next = 0
    for b in blocks.indices {
      if b % communicator.size == communicator.rank {
        stripes.append(made[next])
        next += 1
      } else {
        stripes.append([])
      }
      try communicator.share(&stripes[b], count: (size - starts[b]) * blocks[b].count)
    }
    products = CachedRows(width: size, context.kernels)
    for _ in 0..<size { _ = products.append(nil) }
    let (target, whole, ends) = (products, stripes, starts)
    context.team.forEach(blocks.count) { b, _ in
      for i in 0..<blocks[b].count {
        var row = [Float](repeating: 0, count: size)
        for other in 0..<b {
          // Of the other's stripe, to the left of the diagonal.
          let count = blocks[other].count
          let first = (ends[b] + i - ends[other]) * count
          for j in 0..<count { row[ends[other] + j] = whole[other][first + j] }
        }
        // Down the own stripe, from the diagonal on.
        let count = blocks[b].count
        for j in ends[b]..<size { row[j] = whole[b][(j - ends[b]) * count + i] }
        target.set(ends[b] + i, to: row.span)
      }
    }
  }

  /// The products of the rows from block `b` on with those of block `b`, row by row.
  private static func stripe(
    _ b: Int, _ blocks: [RowBlock], of source: any RowSource, _ workspace: Workspace,
    _ kernels: TrainingKernels
  ) throws -> [Float] {
    let (width, count, other) = (source.width, blocks[b].count, Workspace())
    let height = blocks[b...].reduce(0) { $0 + $1.count }
    var product = [Float](repeating: 0, count: height * count)
    let packed = workspace.single.packed
    try blocks[b].withFeatures(of: source, workspace) { right in
      for start in stride(from: 0, to: width, by: tileWidth) {
        let depth = min(tileWidth, width - start)
        kernels.pack(
          right, .init(leadingDimension: width, offset: start, isTransposed: true), depth: depth,
          columns: count, into: packed)
        var first = 0
        for block in blocks[b...] {
          try block.withFeatures(of: source, other) { left in
            kernels.multiply(
              rows: block.count, left, .init(leadingDimension: width, offset: start), packed,
              into: &product, .init(leadingDimension: count, offset: first * count),
              adding: start > 0)
          }
          first += block.count
        }
      }
    }
    // Both halves of a block on the diagonal: the same chains of the same factors.
    return product
  }

  /// Where a row of the source stands.
  func position(of row: Int) -> Int { Int(positions[row]) }

  /// Training rows.
  var count: Int { products.width }

  /// Adds a multiple of a row's products to those of a vector.
  func add(_ position: Int, times scale: Double, to vector: inout [Double]) {
    products.add(position, times: scale, to: &vector)
  }
}

extension Communicator {
  /// Gives every rank the numbers that one of them has; the others have none. Collective.
  fileprivate func share(_ values: inout [Float], count: Int) throws {
    if size == 1 { return }
    var bits =
      values.isEmpty
      ? [Int64](repeating: 0, count: count) : values.map { Int64($0.bitPattern) }
    try allreduce(&bits, .sum)
    values = bits.map { Float(bitPattern: UInt32($0)) }
  }
}
