internal import Tensors

/// The matrix products of one block of rows.
extension Objective {
  /// Columns of the features multiplied at once: what is widened, or waits to be summed, stays small.
  static let tileWidth = 512

  static func tiles(_ width: Int) -> [Range<Int>] {
    Swift.stride(from: 0, to: width, by: tileWidth).map { $0..<min($0 + tileWidth, width) }
  }

  /// Weights as products in double precision take them.
  enum DoubleFactors: Sendable {
    /// As they are, `count×stride`; for few classes.
    case plain([Double], stride: Int)
    /// A matrix for each tile of columns.
    case packed([PackedMatrix<Double>])
  }

  /// Classes up to which products with plain weights take less time: in double precision, where else
  /// features must be widened first, and in single precision.
  ///
  /// All classes of the problem count, not those multiplied: logits have the same bits, whichever
  /// classes they are made for together.
  static let mostPlainClasses = (double: 32, single: 8)

  /// W, `count×stride`, for `multiply`.
  ///
  /// - Parameter classCount: classes of the problem.
  static func factors(
    _ weights: [Double], width: Int, stride: Int, count: Int, classCount: Int,
    _ kernels: TrainingKernels
  ) -> DoubleFactors {
    if classCount <= mostPlainClasses.double { return .plain(weights, stride: stride) }
    return .packed(
      tiles(width).map { columns in
        let packed = PackedMatrix<Double>()
        kernels.pack(
          weights.span,
          .init(leadingDimension: stride, offset: columns.lowerBound, isTransposed: true),
          depth: columns.count, columns: count, into: packed)
        return packed
      })
  }

  /// `X·Wᵀ` of a block in double precision, rows scaled.
  static func multiply(
    _ features: Span<Float>, _ block: RowBlock, _ weights: DoubleFactors, width: Int,
    count: Int, into logits: inout [Double], _ workspace: Workspace, _ kernels: TrainingKernels
  ) {
    let (n, room) = (block.count, workspace.double)
    switch weights {
    case .plain(let weights, let stride):
      kernels.dots(
        rows: n, features, depth: width, columns: count, weights, stride: stride, into: &logits)
    case .packed(let weights):
      room.rows.reserve(n * tileWidth)
      for (columns, packed) in zip(tiles(width), weights) {
        VectorOperations.widen(
          features, leadingDimension: width, rows: n, columns: columns, into: &room.rows)
        kernels.multiply(
          rows: n, room.rows.span, .init(leadingDimension: columns.count), packed,
          into: &logits, .init(leadingDimension: count), adding: columns.lowerBound > 0)
      }
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
    room.product.reserve(count * tileWidth)
    if count <= mostUnpackedClasses {
      for columns in tiles(width) {
        kernels.multiply(
          rows: count, transposed: workspace.residuals, depth: n, columns: columns.count,
          features, .init(leadingDimension: width, offset: columns.lowerBound),
          into: &room.product)
        workspace.sum!.add(room.product, rows: count, columns: columns)
      }
      return
    }
    room.transposed.reserve(n * count)
    VectorOperations.transpose(
      workspace.residuals, rows: n, columns: count, into: &room.transposed)
    room.rows.reserve(n * tileWidth)
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
