internal import Tensors

/// The matrix products of one block of rows.
extension Objective {
  /// Columns of the features multiplied at once: what is widened, or waits to be summed, stays small.
  static let tileWidth = 512

  static func tiles(_ width: Int) -> [Range<Int>] {
    Swift.stride(from: 0, to: width, by: tileWidth).map { $0..<min($0 + tileWidth, width) }
  }

  /// W, `count×stride`, packed for `multiply`: a matrix for each tile of its first `width` columns.
  static func pack(
    _ weights: [Double], width: Int, stride: Int, count: Int, _ kernels: TrainingKernels
  ) -> [PackedMatrix<Double>] {
    tiles(width).map { columns in
      let packed = PackedMatrix<Double>()
      kernels.pack(
        weights.span,
        .init(leadingDimension: stride, offset: columns.lowerBound, isTransposed: true),
        depth: columns.count, columns: count, into: packed)
      return packed
    }
  }

  /// `X·Wᵀ` of a block in double precision, rows scaled.
  ///
  /// - Parameter weights: of `pack`.
  static func multiply(
    _ features: Span<Float>, _ block: RowBlock, _ weights: [PackedMatrix<Double>], width: Int,
    count: Int, into logits: inout [Double], _ workspace: Workspace, _ kernels: TrainingKernels
  ) {
    let (n, room) = (block.count, workspace.double)
    room.rows.reserve(n * tileWidth)
    for (columns, packed) in zip(tiles(width), weights) {
      VectorOperations.widen(
        features, leadingDimension: width, rows: n, columns: columns, into: &room.rows)
      kernels.multiply(
        rows: n, room.rows.span, .init(leadingDimension: columns.count), packed,
        into: &logits, .init(leadingDimension: count), adding: columns.lowerBound > 0)
    }
    for i in 0..<n where block.scales[i] != 1 {
      for k in i * count..<(i + 1) * count { logits[k] *= block.scales[i] }
    }
  }

  /// Adds `Rᵀ·X` of a block, R the workspace's residuals, in single precision.
  static func addGradientInSingle(
    _ features: Span<Float>, _ block: RowBlock, width: Int, count: Int, _ workspace: Workspace,
    _ kernels: TrainingKernels
  ) {
    let (n, room) = (block.count, workspace.single)
    let isNarrow = count <= mostUnpackedClasses
    room.transposed.reserve(n * count)
    if isNarrow {
      VectorOperations.narrow(workspace.residuals, count: n * count, into: &room.transposed)
    } else {
      VectorOperations.transpose(
        workspace.residuals, rows: n, columns: count, into: &room.transposed)
    }
    room.product.reserve(count * tileWidth)
    for columns in tiles(width) {
      let layout = MatrixLayout(leadingDimension: width, offset: columns.lowerBound)
      if isNarrow {
        kernels.multiply(
          rows: count, transposed: room.transposed, depth: n, columns: columns.count, features,
          layout, into: &room.product)
      } else {
        kernels.pack(features, layout, depth: n, columns: columns.count, into: room.packed)
        kernels.multiply(
          rows: count, room.transposed.span, .init(leadingDimension: n),
          room.packed, into: &room.product, .init(leadingDimension: columns.count))
      }
      workspace.sum!.add(room.product, rows: count, columns: columns)
    }
  }

  /// Classes up to which a product takes less time than packing its features saves.
  private static let mostUnpackedClasses = 128

  /// Adds `Rᵀ·X` of a block, R the workspace's residuals, in double precision.
  static func addGradientInDouble(
    _ features: Span<Float>, _ block: RowBlock, width: Int, count: Int, _ workspace: Workspace,
    _ kernels: TrainingKernels
  ) {
    let (n, room) = (block.count, workspace.double)
    room.transposed.reserve(n * count)
    VectorOperations.transpose(
      workspace.residuals, rows: n, columns: count, into: &room.transposed)
    room.rows.reserve(n * tileWidth)
    room.product.reserve(count * tileWidth)
    for columns in tiles(width) {
      VectorOperations.widen(
        features, leadingDimension: width, rows: n, columns: columns, into: &room.rows)
      kernels.pack(
        room.rows.span, .init(leadingDimension: columns.count), depth: n,
        columns: columns.count, into: room.packed)
      kernels.multiply(
        rows: count, room.transposed.span, .init(leadingDimension: n),
        room.packed, into: &room.product,
        .init(leadingDimension: columns.count))
      workspace.sum!.add(room.product, rows: count, columns: columns)
    }
  }
}
