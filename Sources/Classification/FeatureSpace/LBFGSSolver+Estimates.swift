internal import Tensors

/// How far a point is from the best.
extension LBFGSSolver {
  /// What is known of a group of classes at a point, without a product with the features.
  struct Estimate {
    /// P, of these classes alone.
    var value: Double
    /// `½‖gradient‖²`, which is P − D where the bias is optimal or regularized.
    var gap: Double
    /// What the gap is measured by, `min(P, P(0) − D)`: neither a small loss nor a small C makes the
    /// ratio small.
    var scale: Double
    /// The gap that rounding alone may leave.
    var floor: Double

    func isWithin(_ target: Double) -> Bool {
      gap <= target * scale || gap <= target * value && scale <= floor
    }
  }

  func estimates(_ state: LBFGSState) -> [Estimate] {
    let (weights, gradient, width, stride) = (state.weights, state.gradient, width, stride)
    let products = team.map(classCount) { k, _ in
      VectorOperations.differenceProducts(
        weights, from: k * width, gradient, from: k * stride, count: width)
    }
    return groups.indices.map { estimate(of: groups[$0], state, products) }
  }

  /// The summed gaps relative to the summed scales.
  static func ratio(_ estimates: [Estimate]) -> Double {
    estimates.reduce(0) { $0 + $1.gap }
      / max(estimates.reduce(0) { $0 + $1.scale }, .leastNormalMagnitude)
  }

  /// - Parameter products: of each class's weights and gradient.
  private func estimate(
    of group: Range<Int>, _ state: LBFGSState,
    _ products: [(ww: Double, gg: Double, dd: Double)]
  ) -> Estimate {
    // V = W − gradient, and P(0) − D = ½‖V‖² and terms that are not negative: where those are lost in
    // the difference of two objectives, it is the better estimate.
    var (squaredNorm, squaredGradient, squaredDual) = (0.0, 0.0, 0.0)
    var floor = 0.0
    for k in group {
      let (ownNorm, ownGradient, ownDual) = products[k]
      squaredGradient += ownGradient
      squaredDual += ownDual
      floor += objective.rows.gapFloor(
        C: options.C, massBound: state.massBounds[k], squaredNorm: ownNorm)
      squaredNorm += ownNorm
      if options.regularizesBias {
        let (b, g) = (state.bias[k], state.gradient[k * stride + width])
        squaredNorm += b * b
        squaredGradient += g * g
        let difference = biasOnly.bias[k] - (b - g)
        squaredDual += difference * difference
      }
    }
    let value = squaredNorm / 2 + options.C * state.loss[group].reduce(0, +)
    let start = biasOnly.values[group].reduce(0, +)
    let difference = start - value + squaredGradient / 2
    let gain = difference > 1e-9 * start ? max(difference, squaredDual / 2) : squaredDual / 2
    return Estimate(
      value: value, gap: squaredGradient / 2, scale: min(value, gain), floor: floor)
  }
}
