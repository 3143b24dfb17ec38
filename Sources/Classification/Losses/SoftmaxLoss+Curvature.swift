internal import Tensors

extension PositiveDefiniteFactor {
  /// The factor of softmax's curvature in b, `H = diag(Σp) − Σp·pᵀ`.
  ///
  /// H is singular in the direction 1 = (1, …, 1), along which the loss is constant: `H·1 = 0`. Adding a
  /// multiple of `1·1ᵀ` makes it regular and changes no solution, for right-hand sides are sums of
  /// residuals, which are orthogonal to 1, and so stay their solutions. What is left is a ridge, for
  /// classes whose probabilities have all gone to 0 or 1.
  ///
  /// - Parameter crossProducts: `Σ p·pᵀ`, K×K; its diagonal is not read.
  init(softmaxCurvature crossProducts: [[Double]]) {
    let size = crossProducts.count
    var matrix = crossProducts.flatMap { $0.map { -$0 } }
    var trace = 0.0
    for k in 0..<size {
      // Rows sum to zero: the diagonal from the others is exact where Σp − Σp² would cancel.
      matrix[k * size + k] = 0
      for l in 0..<size where l != k { matrix[k * size + k] += crossProducts[k][l] }
      trace += matrix[k * size + k]
    }
    // All rows are sure of their class: any positive number will do.
    if !(trace > 0) { trace = .leastNormalMagnitude * 1e100 }
    // The added eigenvalue, K times this, is the mean of the others.
    let shift = trace / Double(size * size)
    for i in matrix.indices { matrix[i] += shift }
    var ridge = 1e-13 * trace
    while true {
      for k in 0..<size { matrix[k * size + k] += ridge }
      if let factor = PositiveDefiniteFactor(rowByRow: matrix, size: size) {
        self = factor
        return
      }
      ridge *= 100
    }
  }
}
