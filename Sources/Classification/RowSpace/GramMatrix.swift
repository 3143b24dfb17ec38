internal import Communication
internal import Tensors

/// The products of all training rows with each other, `X·Xᵀ`, which every rank holds whole.
///
/// The optimal weights are combinations of the rows, `W = Xᵀ·A` with A `N×K`: where there are fewer
/// rows than features, training in terms of A touches the features only to make this matrix and to
/// make the weights at the end.
struct GramMatrix {
  /// N×N; of the rows with a feature 1 appended when the bias is regularized.
  private(set) var products: SymmetricMatrix
  /// The class of each training row, all ranks' rows in the source's order.
  let labels: [Int32]
  /// How much each row's loss counts.
  let weights: [Double]
  let classCount: Int
  /// The rows' numbers in the source.
  let rows: [Int]
  /// Where each block of this rank starts among the rows.
  let offsets: [Int]

  var rowCount: Int { labels.count }

  /// Rows of a tile: two tiles' worth of widened rows stay in the cache beside their product.
  private static let blockRows = RowPartition.blockRows / 2
  private static let tileWidth = 512

  /// The largest matrix that training makes by itself, in bytes.
  static let memoryLimit = 1 << 30

  /// Multiplies all rows, each fixed pair of blocks whole by one thread of one rank.
  ///
  /// Collective: every rank must call this; each holds the same bytes afterwards.
  ///
  /// - Complexity: `N²·D/2` multiplications in double precision over all ranks.
  init(
    _ rows: LocalRows, regularizesBias: Bool, _ context: TrainingContext
  ) throws {
    let blocks = Self.allBlocks(of: rows)
    var starts = [0]
    for block in blocks { starts.append(starts.last! + block.count) }
    labels = blocks.flatMap(\.labels)
    weights = blocks.flatMap(\.weights)
    classCount = rows.classCount
    self.rows = blocks.flatMap { block in block.kept.map { block.rows.lowerBound + $0 } }
    offsets = rows.blocks.map { own in
      starts[blocks.firstIndex { $0.rows.lowerBound >= own.rows.lowerBound } ?? blocks.count]
    }
    products = try Self.products(of: blocks, starts: starts, rows, context)
    var scales = [Double](repeating: 0, count: labels.count)
    for (block, offset) in zip(rows.blocks, offsets) {
      scales.replaceSubrange(offset..<offset + block.count, with: block.scales)
    }
    try context.communicator.share(&scales)
    // After the products: a row is multiplied as it is stored, normalized or not.
    if scales.contains(where: { $0 != 1 }) { products.scale(by: scales) }
    // ⟨(x, 1), (z, 1)⟩ = ⟨x, z⟩ + 1: the bias is the weight of the feature 1.
    if regularizesBias { products.add(1) }
  }

  /// The products of some of the rows, as a problem of its own; a sub-block of the same matrix.
  ///
  /// - Parameters:
  ///   - indices: of rows of `all`.
  ///   - labels: their classes, of `classCount`.
  ///   - weights: how much their losses count.
  init(_ all: GramMatrix, indices: [Int], labels: [Int32], weights: [Double], classCount: Int) {
    products = all.products.submatrix(indices)
    rows = indices.map { all.rows[$0] }
    offsets = []
    (self.labels, self.weights, self.classCount) = (labels, weights, classCount)
  }

  /// The summed weights of each class's rows.
  var classMasses: [Double] {
    var masses = [Double](repeating: 0, count: classCount)
    for (label, weight) in zip(labels, weights) { masses[Int(label)] += weight }
    return masses
  }

  /// `Σ G_ij` over the rows i of one class and j of another, for every two classes.
  ///
  /// Each product counts as much as the rows' weights multiplied.
  func classSums() -> [[Double]] {
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: classCount), count: classCount)
    for i in 0..<rowCount {
      var row = [Double](repeating: 0, count: classCount)
      for j in 0..<rowCount { row[Int(labels[j])] += weights[j] * products[i, j] }
      for k in 0..<classCount { sums[Int(labels[i])][k] += weights[i] * row[k] }
    }
    return sums
  }

  /// The training rows of all ranks, in blocks that the source alone determines.
  static func allBlocks(of rows: LocalRows, blockRows: Int = Self.blockRows) -> [RowBlock] {
    var position: [Int: Int32] = [:]
    for (k, label) in rows.classes.enumerated() { position[label] = Int32(k) }
    return stride(from: 0, to: rows.source.rowCount, by: blockRows).compactMap { start in
      let range = start..<min(start + blockRows, rows.source.rowCount)
      var (kept, labels, weights): ([Int], [Int32], [Double]) = ([], [], [])
      for row in range {
        guard case .labelled(let label) = rows.source.use(of: row) else { continue }
        let weight = rows.source.weight(of: row)
        if weight == 0 { continue }
        let k = position[label]!
        kept.append(row - start)
        labels.append(k)
        weights.append(weight * rows.classFactors[Int(k)])
      }
      return kept.isEmpty
        ? nil : RowBlock(rows: range, kept: kept, labels: labels, weights: weights)
    }
  }

  /// The products of all rows, not scaled, of which each rank makes a share. Collective.
  ///
  /// - Parameter starts: where each block begins, and where the last ends.
  private static func products(
    of blocks: [RowBlock], starts: [Int], _ rows: LocalRows, _ context: TrainingContext
  ) throws -> SymmetricMatrix {
    let (communicator, kernels, source) = (context.communicator, context.kernels, rows.source)
    var products = SymmetricMatrix(size: starts.last!)
    // Half of a symmetric matrix. A pair is one product on one thread, whoever makes it: the bytes do not
    // depend on ranks; dealt out in turn, for pairs take equally long.
    let pairs = blocks.indices.flatMap { i in (0...i).map { (i, $0) } }
    let own = pairs.indices.filter { $0 % communicator.size == communicator.rank }
    let blocksNeeded = Set(own.flatMap { [pairs[$0].0, pairs[$0].1] }).sorted()
    try source.bring(blocksNeeded.map { blocks[$0].rows }, stays: false, communicator)
    try source.endBringing(communicator)
    let workspaces = (0..<context.team.threadCount).map { _ in (Workspace(), Workspace()) }
    let tiles = try context.team.throwingMap(own.count) { index, worker in
      let (i, j) = pairs[own[index]]
      return try product(
        blocks[i], blocks[j], of: source, workspaces[worker].0, workspaces[worker].1, kernels)
    }
    var next = 0
    for (index, (i, j)) in pairs.enumerated() {
      var tile: [Double]
      if index % communicator.size == communicator.rank {
        tile = tiles[next]
        next += 1
      } else {
        tile = [Double](repeating: 0, count: blocks[i].count * blocks[j].count)
      }
      try communicator.share(&tile)
      products.set(tile, rows: starts[i]..<starts[i + 1], columns: starts[j]..<starts[j + 1])
    }
    return products
  }

  /// `A·Bᵀ` of two blocks' features, not scaled.
  private static func product(
    _ a: RowBlock, _ b: RowBlock, of source: any RowSource, _ workspace: Workspace,
    _ other: Workspace, _ kernels: TrainingKernels
  ) throws -> [Double] {
    let (width, left, right) = (source.width, workspace.double, other.double)
    var product = [Double](repeating: 0, count: a.count * b.count)
    left.rows.reserve(a.count * tileWidth)
    right.rows.reserve(b.count * tileWidth)
    try a.withFeatures(of: source, workspace) { ofA in
      try b.withFeatures(of: source, other) { ofB in
        for start in stride(from: 0, to: width, by: tileWidth) {
          let columns = start..<min(start + tileWidth, width)
          VectorOperations.widen(
            ofA, leadingDimension: width, rows: a.count, columns: columns,
            into: &left.rows)
          VectorOperations.widen(
            ofB, leadingDimension: width, rows: b.count, columns: columns,
            into: &right.rows)
          kernels.pack(
            right.rows.span, .init(leadingDimension: columns.count, isTransposed: true),
            depth: columns.count, columns: b.count, into: right.packed)
          kernels.multiply(
            rows: a.count, left.rows.span, .init(leadingDimension: columns.count),
            right.packed, into: &product, .init(leadingDimension: b.count), adding: true)
        }
      }
    }
    return product
  }
}

extension Communicator {
  /// Gives every rank the numbers that each of them made; for each, one rank's is not zero.
  ///
  /// Sums of bit patterns, of which all but one are zero, change nothing. Collective.
  func share(_ values: inout [Double]) throws {
    if size == 1 { return }
    var bits = values.map { Int64(bitPattern: $0.bitPattern) }
    try allreduce(&bits, .sum)
    values = bits.map { Double(bitPattern: UInt64(bitPattern: $0)) }
  }
}
