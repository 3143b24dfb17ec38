internal import Communication
internal import Tensors

/// What is done to each feature before it is multiplied with the weights: `(x − mean) · factor`.
package struct FeatureScaling: Sendable, Equatable {
  package let means: [Float]
  /// The inverse of the standard deviation; 0 for a feature that is the same in all training rows.
  package let factors: [Float]

  package init(means: [Float], factors: [Float]) {
    precondition(means.count == factors.count, "a mean and a factor for each feature")
    (self.means, self.factors) = (means, factors)
  }

  /// Appends a row, times `scale` and then scaled, in single precision.
  func append(_ row: Span<Float>, times scale: Float, to values: inout [Float]) {
    VectorOperations.append(row, times: scale, minus: means, times: factors, to: &values)
  }

  /// Mean and standard deviation (of all, not one less) over the training rows, the same for any
  /// number of ranks. Collective.
  ///
  /// Two passes: squares of differences from the mean do not cancel.
  init(_ rows: LocalRows, _ context: TrainingContext) throws {
    let count = Double(rows.rowCount)
    let width = rows.width
    func sum(minus means: [Double]?) throws -> [Double] {
      let parts = try context.team.throwingMap(rows.blocks.count) { index, _ -> [Double] in
        let block = rows.blocks[index]
        var sums = [Double](repeating: 0, count: width)
        try block.withFeatures(of: rows.source, Workspace()) { features in
          for i in 0..<block.count {
            VectorOperations.addMoments(
              features.extracting(i * width..<(i + 1) * width), times: Float(block.scales[i]),
              minus: means, to: &sums)
          }
        }
        return sums
      }
      var total = ExactSum(count: width)
      for part in parts { total.add(part) }
      try context.communicator.allreduce(&total.limbs, .sum)
      return total.values
    }
    let means = try sum(minus: nil).map { $0 / count }
    let variances = try sum(minus: means).map { $0 / count }
    self.means = means.map(Float.init)
    factors = zip(means, variances).map { mean, variance in
      // Rounding alone may leave a constant feature some 1e-16 of its square.
      variance > 1e-14 * mean * mean ? Float(1 / variance.squareRoot()) : 0
    }
  }
}

/// Another source's rows, normalized and then scaled feature by feature.
struct StandardizedRows: RowSource {
  let base: any RowSource
  let normalization: RowNormalization
  let scaling: FeatureScaling

  var name: String { base.name }
  var rowCount: Int { base.rowCount }
  var width: Int { base.width }
  var classNames: [String] { base.classNames }

  func use(of row: Int) -> RowUse { base.use(of: row) }
  func weight(of row: Int) -> Double { base.weight(of: row) }
  func origin(of row: Int) -> (name: String, row: Int) { base.origin(of: row) }

  func owner(of row: Int) -> Int? { base.owner(of: row) }
  func bring(_ rows: [Range<Int>], stays: Bool, _ communicator: any Communicator) throws {
    try base.bring(rows, stays: stays, communicator)
  }
  func endBringing(_ communicator: any Communicator) throws {
    try base.endBringing(communicator)
  }

  func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    var values: [Float] = []
    values.reserveCapacity(rows.count * width)
    try base.withRows(rows, scratch: &scratch) { features in
      for i in 0..<rows.count {
        let row = features.extracting(i * width..<(i + 1) * width)
        let scale =
          normalization == .none
          ? 1 : normalization.scale(squaredNorm: VectorOperations.squaredNorm(row))
        scaling.append(row, times: Float(scale), to: &values)
      }
    }
    try body(values.span)
  }
}
