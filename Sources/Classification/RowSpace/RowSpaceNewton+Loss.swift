internal import Tensors

/// Losses at logits, and their derivatives in logits and bias.
extension RowSpaceNewton {
  func evaluate(_ products: [Double], _ bias: [Double]) -> Local {
    let blocks = RowPartition.blocks(rowCount: size)
    let (labels, weights, loss, count) = (gram.labels, gram.weights, loss, count)
    let parts = context.team.map(blocks.count) { index, _ -> Local in
      var local = Local(
        loss: [Double](repeating: 0, count: count), residuals: [], curvature: [])
      var logits = [Double](repeating: 0, count: count)
      for i in blocks[index] {
        let (label, weight) = (Int(labels[i]), weights[i])
        for k in 0..<count { logits[k] = products[i * count + k] + bias[k] }
        loss.function.derive(
          &logits, label: label, weight: weight, losses: &local.loss,
          curvature: &local.curvature)
        local.residuals += logits
      }
      return local
    }
    var whole = Local(loss: [Double](repeating: 0, count: count), residuals: [], curvature: [])
    for part in parts {
      for k in 0..<count { whole.loss[k] += part.loss[k] }
      whole.residuals += part.residuals
      whole.curvature += part.curvature
    }
    return whole
  }

  /// The loss's second derivative times `vectors + 1·constantᵀ`, both optional.
  func curved(
    _ local: Local, _ vectors: [Double]? = nil, constant: [Double]
  ) -> [Double] {
    var result = vectors ?? zeros
    loss.function.multiplyByCurvature(
      &result, plus: constant, curvature: local.curvature, weights: gram.weights)
    return result
  }

  /// How the bias follows logits that change by `products`, to first order.
  ///
  /// With D the loss's second derivative, `∂(Σr)/∂b = 1ᵀD1` and `∂(Σr)/∂f·q = 1ᵀDq`; the sum of the
  /// residuals stays as it is for `b = −(1ᵀD1)⁻¹·1ᵀDq`. Putting this in leaves the Schur complement.
  func following(
    _ local: Local, _ curvature: BiasCurvature, _ products: [Double]
  ) -> [Double] {
    let none = [Double](repeating: 0, count: count)
    if regularizesBias { return none }
    return curvature.solve(columnSums(curved(local, products, constant: none))).map { -$0 }
  }

  /// The second derivative of the summed losses in the bias.
  enum BiasCurvature {
    case diagonal([Double])
    case factor(PositiveDefiniteFactor)

    func solve(_ right: [Double]) -> [Double] {
      switch self {
      case .diagonal(let values): zip(right, values).map { $1 > 0 ? $0 / $1 : 0 }
      case .factor(let factor): factor.solve(right)
      }
    }
  }

  func biasCurvature(_ local: Local) -> BiasCurvature {
    if loss.isSeparable || regularizesBias { return .diagonal(columnSums(local.curvature)) }
    var product = [Double](repeating: 0, count: count * count)
    var weighted = local.curvature
    for i in 0..<size {
      for k in 0..<count { weighted[i * count + k] *= gram.weights[i] }
    }
    var transposed = [Double](repeating: 0, count: count * size)
    VectorOperations.transpose(local.curvature, rows: size, columns: count, into: &transposed)
    let (kernels, packed) = (context.kernels, PackedMatrix<Double>())
    kernels.pack(
      weighted.span, .init(leadingDimension: count), depth: size, columns: count, into: packed)
    kernels.multiply(
      rows: count, transposed.span, .init(leadingDimension: size), packed, into: &product,
      .init(leadingDimension: count))
    return .factor(
      PositiveDefiniteFactor(
        softmaxCurvature: (0..<count).map { Array(product[$0 * count..<($0 + 1) * count]) }))
  }
}
