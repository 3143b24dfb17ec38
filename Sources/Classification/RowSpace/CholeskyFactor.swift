internal import Foundation

/// The triangular factor of a small symmetric positive definite matrix.
struct CholeskyFactor {
  private let size: Int
  /// The lower triangle L with `L·Lᵀ` the matrix, row by row.
  private var rows: [[Double]]

  /// - Parameter matrix: only its lower triangle is read.
  /// - Returns: nil when the matrix is not positive definite in double precision.
  init?(_ matrix: [[Double]]) {
    size = matrix.count
    rows = matrix
    for i in 0..<size {
      for j in 0...i {
        var sum = matrix[i][j]
        for k in 0..<j { sum -= rows[i][k] * rows[j][k] }
        if i == j {
          guard sum > 0, sum.isFinite else { return nil }
          rows[i][i] = sum.squareRoot()
        } else {
          rows[i][j] = sum / rows[j][j]
        }
      }
    }
  }

  /// The factor of softmax's curvature in b, `diag(Σp) − Σp·pᵀ`, which is singular in the direction
  /// (1, …, 1) where the loss is constant; that direction is made regular and stays unused, for
  /// residuals sum to zero over the classes.
  init(curvatureOf evaluation: LossEvaluation) {
    let size = evaluation.crossProducts.count
    var matrix = evaluation.crossProducts.map { $0.map { -$0 } }
    var trace = 0.0
    for k in 0..<size {
      // Rows sum to zero: the diagonal from the others is exact where Σp − Σp² would cancel.
      matrix[k][k] = 0
      for l in 0..<size where l != k { matrix[k][k] += evaluation.crossProducts[k][l] }
      trace += matrix[k][k]
    }
    if !(trace > 0) { trace = .leastNormalMagnitude * 1e100 }
    let shift = trace / Double(size * size)
    for k in 0..<size {
      for l in 0..<size { matrix[k][l] += shift }
    }
    var ridge = 1e-13 * trace
    while true {
      for k in 0..<size { matrix[k][k] += ridge }
      if let factor = CholeskyFactor(matrix) {
        self = factor
        return
      }
      ridge *= 100
    }
  }

  /// L whole, row by row, as a checkpoint keeps it.
  var elements: [Double] { rows.flatMap { $0 } }

  /// - Parameter elements: those of a factor.
  init(size: Int, elements: [Double]) {
    precondition(elements.count == size * size, "a factor of another size")
    self.size = size
    rows = (0..<size).map { Array(elements[$0 * size..<($0 + 1) * size]) }
  }

  /// x with `L·Lᵀ·x = right`.
  func solve(_ right: [Double]) -> [Double] {
    var x = right
    for i in 0..<size {
      for k in 0..<i { x[i] -= rows[i][k] * x[k] }
      x[i] /= rows[i][i]
    }
    for i in stride(from: size - 1, through: 0, by: -1) {
      for k in i + 1..<max(size, i + 1) { x[i] -= rows[k][i] * x[k] }
      x[i] /= rows[i][i]
    }
    return x
  }
}

extension Double {
  /// The natural logarithm.
  var logarithm: Double { log(self) }
}
