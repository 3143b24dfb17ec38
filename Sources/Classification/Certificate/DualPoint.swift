/// A point at which the dual of the training problem is evaluated, in terms of residuals.
///
/// The residuals of the loss at `bias` solve the dual's conditions but for `Σ_i c_i·r_i = 0`, which a
/// free bias demands, and which the best bias fulfils up to what is left of its search. The repair
/// makes them fulfil it exactly, and leaves them in the domain of the loss's conjugate.
struct DualPoint: Sendable {
  /// Where the residuals are taken, with the logits of the optimization.
  var bias: [Double]
  /// Where the primal objective is: the classifier's stored bias.
  var primalBias: [Double]
  /// The best bias without weights, where the objective is compared with.
  var biasOnly: [Double]
  var repair: any DualRepair
}

/// Weighted sums at the bias whose residuals are to be repaired, for each class.
struct ResidualSums {
  /// `s_k = Σ_i c_i·r_ik`; zeros when the bias is regularized, for then nothing needs repair.
  var residuals: [Double]
  /// `Σ c_i·|r_ik|` over the rows of class k (separable losses).
  var ownMasses: [Double]
  /// `Σ c_i` over the rows of class k.
  var classMasses: [Double]
}

/// What turns the residuals at some logits into a dual feasible point.
protocol DualRepair: Sendable {
  /// Adds one row's terms.
  ///
  /// - Parameters:
  ///   - dual: the logits at which the residuals are taken; replaced by the repaired residuals.
  ///   - logits: those of the classifier to certify.
  ///   - biasOnly: those without weights, the same for every row.
  ///   - label: the row's class.
  func addTerms(
    _ dual: inout [Double], at logits: [Double], _ biasOnly: [Double], label: Int, weight: Double,
    to sums: inout DualSums)
}

/// Weighted sums over all rows at a dual point, for each class.
struct DualSums {
  /// Losses at the primal bias (softmax: all in the first).
  var loss: [Double]
  /// Fenchel–Young residuals `ℓ(f) + ℓ*(r) − r·f`, zero where r is the residual at f (softmax: all
  /// in the first).
  var duality: [Double]
  /// The same with the logits of the best bias without weights in place of f.
  var dualityOfBiasOnly: [Double]
  /// `Σ r` after repair.
  var residual: [Double]

  static func count(classCount: Int) -> Int { fieldCount * classCount }

  private static let fieldCount = 4

  init(values: [Double]) {
    let count = values.count / Self.fieldCount
    func field(_ i: Int) -> [Double] { Array(values[i * count..<(i + 1) * count]) }
    (loss, duality, dualityOfBiasOnly, residual) = (field(0), field(1), field(2), field(3))
  }

  init(classCount: Int) {
    self.init(values: [Double](repeating: 0, count: Self.count(classCount: classCount)))
  }

  var values: [Double] { loss + duality + dualityOfBiasOnly + residual }
}

extension DualPoint {
  /// One block's repaired residuals times the rows' weights and scales, and their sums.
  ///
  /// - Parameters:
  ///   - primalLogits: those of the weights to certify, `kept×K`, without bias.
  ///   - target: room for `kept×K`, row-major.
  func residuals(
    of block: RowBlock, primalLogits: [Double], classCount: Int, into target: inout [Double]
  ) -> DualSums {
    var sums = DualSums(classCount: classCount)
    var dual = [Double](repeating: 0, count: classCount)
    var primal = dual
    for i in 0..<block.count {
      let (weight, scale) = (block.weights[i], block.scales[i])
      for k in 0..<classCount {
        dual[k] = block.logits[i * classCount + k] + bias[k]
        primal[k] = primalLogits[i * classCount + k] + primalBias[k]
      }
      repair.addTerms(
        &dual, at: primal, biasOnly, label: Int(block.labels[i]), weight: weight, to: &sums)
      for k in 0..<classCount { target[i * classCount + k] = dual[k] * (weight * scale) }
    }
    return sums
  }
}
