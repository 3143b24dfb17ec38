internal import Communication
internal import Tensors

/// Sums over all rows of all ranks: losses, residuals and gradients at given logits.
///
/// Every method that returns sums is collective. Products with the features are made block by block
/// and added exactly (`FixedPointSum`, `ExactSum`), so the results do not depend on which rank or
/// thread made which block. Each rank keeps the logits of its own rows.
final class Objective {
  let rows: LocalRows
  let loss: Loss
  let context: TrainingContext
  /// The largest magnitude among the features, and 1.
  private let largestFactor: Double

  var kernels: TrainingKernels { context.kernels }
  var team: ThreadTeam { context.team }
  var workspaces: [Workspace] { context.workspaces }

  init(rows: LocalRows, loss: Loss, _ context: TrainingContext) {
    self.rows = rows
    self.loss = loss
    self.context = context
    largestFactor = rows.columnBounds.reduce(1, max)
    for block in rows.blocks {
      block.logits = [Double](repeating: 0, count: block.count * rows.classCount)
    }
    for workspace in workspaces {
      workspace.curvature = nil
      workspace.sum = FixedPointSum(rowCount: rows.classCount, columnBounds: rows.columnBounds)
    }
  }

  // MARK: Sums of products with the features

  /// `Σ_i r_i·x_i` for each of `classes`, at the logits plus `bias`: the big allreduce.
  ///
  /// - Parameters:
  ///   - bias: of each of `classes`.
  ///   - massBounds: for each of `classes`, at least `Σ_i |r_i|`, up to rounding.
  ///   - precision: of the products.
  /// - Returns: one row of D sums for each of `classes`.
  /// - Throws: `ClassificationError.saturated`.
  func gradient(
    classes: [Int], bias: [Double], massBounds: [Double], precision: Precision
  ) throws -> FixedPointSum {
    let (source, blocks, workspaces, loss) = (rows.source, rows.blocks, workspaces, loss)
    let (width, classCount, count) = (rows.width, rows.classCount, classes.count)
    let kernels = kernels
    try checkBounds(massBounds)
    // Beyond this, products that single precision cannot hold.
    let precision = massBounds.max()! * largestFactor < 0x1p120 ? precision : .double
    for workspace in workspaces { workspace.sum!.reset(rowBounds: massBounds) }
    try team.forEach(blocks.count) { index, worker in
      let (block, workspace) = (blocks[index], workspaces[worker])
      loss.residuals(
        of: block, classes: classes, bias: bias, classCount: classCount, workspace, kernels)
      try block.withFeatures(of: source, workspace) { features in
        switch precision {
        case .single:
          Self.addGradientInSingle(
            features, block, width: width, count: count, workspace, kernels)
        case .double:
          Self.addGradientInDouble(
            features, block, width: width, count: count, workspace, kernels)
        }
      }
    }
    return try reduce(count)
  }

  /// `Σ_i r_i·x_i` of a dual point for every class, with the sums that a certificate needs, all in
  /// double precision.
  ///
  /// - Parameters:
  ///   - point: its residuals are taken at the present logits.
  ///   - weights: K×D, those to certify.
  func dualSums(
    _ point: DualPoint, weights: [Double], massBounds: [Double]
  ) throws -> (FixedPointSum, DualSums) {
    let (source, blocks, workspaces) = (rows.source, rows.blocks, workspaces)
    let (width, classCount, kernels) = (rows.width, rows.classCount, kernels)
    let factors = Self.factors(
      weights, width: width, stride: width, count: classCount, classCount: classCount, kernels)
    try checkBounds(massBounds)
    for workspace in workspaces { workspace.sum!.reset(rowBounds: massBounds) }
    let parts = try team.throwingMap(blocks.count) { index, worker -> [Double] in
      let (block, workspace) = (blocks[index], workspaces[worker])
      workspace.primalLogits.reserve(block.count * classCount)
      workspace.residuals.reserve(block.count * classCount)
      var sums = DualSums(classCount: classCount)
      try block.withFeatures(of: source, workspace) { features in
        Self.multiply(
          features, block, factors, width: width, count: classCount,
          into: &workspace.primalLogits, workspace, kernels)
        sums = point.residuals(
          of: block, primalLogits: workspace.primalLogits, classCount: classCount,
          into: &workspace.residuals)
        Self.addGradientInDouble(
          features, block, width: width, count: classCount, workspace, kernels)
      }
      return sums.values
    }
    let total = try reduce(parts, count: DualSums.count(classCount: classCount))
    return (try reduce(classCount), DualSums(values: total))
  }

  /// `Aᵀ·X`, K×D, the rows scaled: weights from coefficients of the rows, in double precision.
  ///
  /// - Parameters:
  ///   - coefficients: `N×K`, of the rows of all ranks.
  ///   - offsets: where each block of this rank starts among them.
  func combination(coefficients: [Double], offsets: [Int]) throws -> [Double] {
    let (source, blocks, workspaces) = (rows.source, rows.blocks, workspaces)
    let (width, count, kernels) = (rows.width, rows.classCount, kernels)
    var bounds = [Double](repeating: 0, count: count)
    // |Σ a·x_j| ≤ (Σ|a|)·max|x_j|: the scale of the sum, known before it.
    for (i, a) in coefficients.enumerated() { bounds[i % count] += abs(a) }
    try checkBounds(bounds)
    for workspace in workspaces { workspace.sum!.reset(rowBounds: bounds) }
    try team.forEach(blocks.count) { index, worker in
      let (block, workspace) = (blocks[index], workspaces[worker])
      workspace.residuals.reserve(block.count * count)
      for i in 0..<block.count {
        for k in 0..<count {
          workspace.residuals[i * count + k] =
            coefficients[(offsets[index] + i) * count + k] * block.scales[i]
        }
      }
      try block.withFeatures(of: source, workspace) { features in
        Self.addGradientInDouble(
          features, block, width: width, count: count, workspace, kernels)
      }
    }
    let sum = try reduce(count)
    return (0..<count).flatMap { sum.values(row: $0) }
  }

  // MARK: Sums at logits

  /// Losses, residual sums and slopes for some classes, at points along the direction.
  func evaluate(_ request: LossEvaluation.Request) throws -> LossEvaluation {
    let (blocks, workspaces, loss, kernels) = (rows.blocks, workspaces, loss, kernels)
    let classCount = rows.classCount
    if request.needsCurvatureMatrix {
      // Elements of p·pᵀ are at most 1, times the rows' weights.
      let ones = [Double](repeating: 1, count: classCount)
      let bounds = [Double](
        repeating: request.crossProductBound ?? rows.mass, count: classCount)
      for workspace in workspaces {
        if workspace.curvature == nil {
          workspace.curvature = FixedPointSum(rowCount: classCount, columnBounds: ones)
        }
        workspace.curvature!.reset(rowBounds: bounds)
      }
    }
    let parts = team.map(blocks.count) { index, worker in
      loss.evaluate(blocks[index], request, classCount: classCount, workspaces[worker], kernels)
    }
    let count = LossEvaluation.fieldCount * request.classes.count
    var evaluation = LossEvaluation(
      values: try reduce(parts, count: count), classCount: request.classes.count)
    if request.needsCurvatureMatrix {
      var total = workspaces[0].curvature!
      for other in workspaces.dropFirst() { total.add(other.curvature!, rows: classCount) }
      try context.communicator.allreduce(&total.units, .sum)
      evaluation.crossProducts = (0..<classCount).map { total.values(row: $0) }
    }
    return evaluation
  }

  /// `Σ q²` for each class of the direction, q its logits.
  ///
  /// - Throws: `ClassificationError.saturated`.
  func directionEnergies(count: Int) throws -> [Double] {
    let blocks = rows.blocks
    let parts = team.map(blocks.count) { index, _ in
      var sums = [Double](repeating: 0, count: count)
      for i in 0..<blocks[index].count {
        for a in 0..<count {
          let q = blocks[index].directionLogits[i * count + a]
          sums[a] += q * q
        }
      }
      return sums
    }
    let energies = try reduce(parts, count: count)
    if !energies.allSatisfy(\.isFinite) { throw ClassificationError.saturated("logits") }
    return energies
  }

  // MARK: Reductions

  /// Refuses bounds that no sum can be scaled by; all ranks know the same.
  private func checkBounds(_ bounds: [Double]) throws {
    // Times the largest feature, 1e15, and in units of 2^-61 well within double precision.
    if !bounds.allSatisfy({ $0 < 0x1p300 }) { throw ClassificationError.saturated("residuals") }
  }

  private func reduce(_ parts: [[Double]], count: Int) throws -> [Double] {
    var sum = ExactSum(count: count)
    for part in parts { sum.add(part) }
    try context.communicator.allreduce(&sum.limbs, .sum)
    return sum.values
  }

  /// The sum over threads and ranks of the first `count` rows of the workspaces' sums.
  private func reduce(_ count: Int) throws -> FixedPointSum {
    // Out of the workspace while it changes, for two owners of one array would make it two.
    var total = workspaces[0].sum!
    workspaces[0].sum = nil
    for other in workspaces.dropFirst() { total.add(other.sum!, rows: count) }
    let isSound = try total.reduce(rows: count, over: context.communicator)
    workspaces[0].sum = total
    if !isSound { throw ClassificationError.saturated("products of residuals and features") }
    return total
  }
}
