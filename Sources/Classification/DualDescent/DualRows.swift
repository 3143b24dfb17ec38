internal import Communication
internal import Tensors

/// Rows as `DualDescent` works on them, shared by trainings with several values of C.
struct DualRows {
  let rows: LocalRows
  let context: TrainingContext
  let moments: RowMoments
  let screen: RowScreen
  let working: WorkingRows
  /// Nil where making them does not pay.
  let products: RowProducts?
  /// What is subtracted from rows: their mean where the bias is free, which changes the bias alone;
  /// zeros where it is regularized.
  let centre: [Double]
  /// Rows of each level, over all ranks.
  let sampleCounts: [Int]

  /// Looks once at all rows. Collective.
  init(_ rows: LocalRows, _ options: TrainingOptions, _ context: TrainingContext) throws {
    (self.rows, self.context) = (rows, context)
    moments = try RowMoments(rows, options, context)
    screen = RowScreen(rows, norms: moments.norms, context)
    centre =
      options.regularizesBias ? [Double](repeating: 0, count: rows.width) : moments.mean
    working = WorkingRows(rows, centre: centre, context)
    products = RowProducts.isWorthwhile(rows) ? try RowProducts(rows, context) : nil
    var counts = screen.levels.map { Int64($0.reduce(0) { $0 + $1.block.count }) }
    try context.communicator.allreduce(&counts, .sum)
    sampleCounts = counts.map(Int.init)
  }
}
