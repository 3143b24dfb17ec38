/// From nothing to a steep C, by way of smaller ones.
extension DenseNewton {
  /// The optimum as far as double precision knows it: Newton's method at values of C that rise by
  /// factors of ten, each from the optimum of the one before.
  ///
  /// At once it would begin where all losses are straight lines, and second derivatives tell nothing.
  ///
  /// - Returns: the point, and the steps taken.
  func solve(bias: [Double]) -> (point: LBFGSSolver.Point, steps: Int) {
    var point = LBFGSSolver.Point(
      weights: [Double](repeating: 0, count: bias.count * width), bias: bias)
    var path = [C]
    // Below this the regularizer outweighs the losses.
    while path.last! * squaredNorms > 1 && path.count < 60 { path.append(path.last! / 10) }
    var steps = 0
    for C in path.reversed() {
      var solver = self
      solver.C = C
      steps += solver.improve(&point)
    }
    return (point, steps)
  }

  /// `Σ c·‖x‖²`.
  private var squaredNorms: Double {
    var sum = 0.0
    for row in labels.indices {
      let x = features[row * (width + 1)..<(row + 1) * (width + 1)]
      sum += weights[row] * x.reduce(0) { $0 + $1 * $1 }
    }
    return sum
  }
}
