internal import Communication
internal import Tensors

/// What one look at all rows tells: the mean of each class, and each row's length.
struct RowMoments {
  /// The weighted mean of all rows, as they are multiplied with weights.
  let mean: [Double]
  /// The norm of the losses' gradient at zero weights and the best bias there, for C = 1.
  let referenceNorm: Double
  /// The weighted mean of `‖x − mean‖²`.
  let variance: Double
  /// `‖x‖` of each row of this rank's blocks, scaled, rounded up.
  let norms: [[Float]]

  /// Collective.
  init(
    _ rows: LocalRows, _ options: TrainingOptions, _ context: TrainingContext
  ) throws {
    let (width, count) = (rows.width, rows.classCount)
    var sums = FixedPointSum(rowCount: count, columnBounds: rows.columnBounds)
    sums.reset(rowBounds: rows.classMasses)
    let parts = (0..<context.team.threadCount).map { _ in Part(sums, width: width, context.kernels)
    }
    let workspaces = context.workspaces
    norms = try context.team.throwingMap(rows.blocks.count) { index, worker -> [Float] in
      try parts[worker].add(rows.blocks[index], of: rows.source, workspaces[worker])
    }
    for part in parts { sums.add(part.sum, rows: count) }
    if !(try sums.reduce(rows: count, over: context.communicator)) {
      throw ClassificationError.saturated("features")
    }
    let mass = rows.mass
    let classSums = (0..<count).map { sums.values(row: $0) }
    var total = [Double](repeating: 0, count: width)
    for sum in classSums { for j in 0..<width { total[j] += sum[j] } }
    mean = total.map { $0 / mass }
    var squares = ExactSum(count: 1)
    for (block, norms) in zip(rows.blocks, norms) {
      squares.add(
        [zip(block.weights, norms).reduce(0) { $0 + $1.0 * Double($1.1) * Double($1.1) }])
    }
    try context.communicator.allreduce(&squares.limbs, .sum)
    variance = max(0, squares.values[0] / mass - mean.reduce(0) { $0 + $1 * $1 })
    var squaredNorm = 0.0
    for k in 0..<count {
      let (own, other) = options.loss.function.startingResiduals(
        share: options.regularizesBias ? nil : rows.classMasses[k] / mass, classCount: count)
      for j in 0..<width {
        let sum = own * classSums[k][j] + other * (total[j] - classSums[k][j])
        squaredNorm += sum * sum
      }
      if options.regularizesBias {
        let sum = own * rows.classMasses[k] + other * (mass - rows.classMasses[k])
        squaredNorm += sum * sum
      }
    }
    referenceNorm = squaredNorm.squareRoot()
  }

  /// What one thread sums.
  private final class Part: @unchecked Sendable {
    // Invariant behind `@unchecked`: each thread of the team uses the one of its own number.
    var sum: FixedPointSum
    private var row: [Double]
    private let kernels: TrainingKernels

    init(_ sum: FixedPointSum, width: Int, _ kernels: TrainingKernels) {
      (self.sum, self.kernels) = (sum, kernels)
      row = [Double](repeating: 0, count: width)
    }

    /// Adds a block's rows, class by class, and gives their lengths.
    func add(_ block: RowBlock, of source: any RowSource, _ workspace: Workspace) throws -> [Float]
    {
      let width = row.count
      var norms = [Float](repeating: 0, count: block.count)
      let order = block.labels.indices.sorted { (block.labels[$0], $0) < (block.labels[$1], $1) }
      try block.withFeatures(of: source, workspace) { features in
        for (place, i) in order.enumerated() {
          let values = features.extracting(i * width..<(i + 1) * width)
          norms[i] =
            Float(VectorOperations.squaredNorm(values).squareRoot() * block.scales[i])
            .nextUp
          kernels.add(values, times: block.scales[i] * block.weights[i], to: &row)
          let label = block.labels[i]
          if place + 1 < order.count && block.labels[order[place + 1]] == label { continue }
          sum.add(row, row: Int(label))
          for j in 0..<width { row[j] = 0 }
        }
      }
      return norms
    }
  }
}
