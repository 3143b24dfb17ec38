internal import Tensors

/// The matrix products of one block of rows, always of the same shapes for the same block.
extension Objective {
  /// Columns of the features multiplied at once: what is widened, or waits to be summed, stays small.
  private static let tileWidth = 512

  private static func tiles(_ width: Int) -> [Range<Int>] {
    Swift.stride(from: 0, to: width, by: tileWidth).map { $0..<min($0 + tileWidth, width) }
  }

  /// `X·Wᵀ` of a block, W `count×stride`, in double precision, rows scaled.
  static func multiply(
    _ features: Span<Float>, _ block: RowBlock, _ weights: [Double], width: Int, stride: Int,
    count: Int, into logits: inout [Double], _ workspace: Workspace
  ) {
    let n = block.count
    Workspace.reserve(n * tileWidth, in: &workspace.wideRows)
    for columns in tiles(width) {
      VectorOperations.widen(
        features, leadingDimension: width, rows: n, columns: columns, into: &workspace.wideRows)
      BLAS.gemm(
        m: n, n: count, k: columns.count, workspace.wideRows.span,
        .init(leadingDimension: columns.count), weights.span,
        .init(leadingDimension: stride, offset: columns.lowerBound, isTransposed: true),
        into: &logits, .init(leadingDimension: count), adding: columns.lowerBound > 0)
    }
    for i in 0..<n where block.scales[i] != 1 {
      for k in i * count..<(i + 1) * count { logits[k] *= block.scales[i] }
    }
  }

  /// Adds `Rᵀ·X` of a block, R the workspace's residuals, in single precision.
  static func addGradient(
    _ features: Span<Float>, _ block: RowBlock, width: Int, count: Int, _ workspace: Workspace
  ) {
    let n = block.count
    Workspace.reserve(n * count, in: &workspace.residuals)
    for i in 0..<n * count { workspace.residuals[i] = Float(workspace.wideResiduals[i]) }
    Workspace.reserve(count * tileWidth, in: &workspace.product)
    for columns in tiles(width) {
      BLAS.gemm(
        m: count, n: columns.count, k: n, workspace.residuals.span,
        .init(leadingDimension: count, isTransposed: true), features,
        .init(leadingDimension: width, offset: columns.lowerBound), into: &workspace.product,
        .init(leadingDimension: columns.count))
      workspace.sum!.add(workspace.product, rows: count, columns: columns)
    }
  }

  /// Adds `Rᵀ·X` of a block, R the workspace's residuals, in double precision.
  static func addWideGradient(
    _ features: Span<Float>, _ block: RowBlock, width: Int, count: Int, _ workspace: Workspace
  ) {
    let n = block.count
    Workspace.reserve(n * tileWidth, in: &workspace.wideRows)
    Workspace.reserve(count * tileWidth, in: &workspace.wideProduct)
    for columns in tiles(width) {
      VectorOperations.widen(
        features, leadingDimension: width, rows: n, columns: columns, into: &workspace.wideRows)
      BLAS.gemm(
        m: count, n: columns.count, k: n, workspace.wideResiduals.span,
        .init(leadingDimension: count, isTransposed: true), workspace.wideRows.span,
        .init(leadingDimension: columns.count), into: &workspace.wideProduct,
        .init(leadingDimension: columns.count))
      workspace.sum!.add(workspace.wideProduct, rows: count, columns: columns)
    }
  }
}
