/// Factors that are made row by row, in the order of the textbook, and solve by substitution.
///
/// For small matrices whose solutions must not depend on the instruction set, as a block's products
/// do: no product is fused with an addition here. The two ways round differently.
extension PositiveDefiniteFactor {
  /// Factors a matrix (Cholesky–Banachiewicz): `l_ij = (a_ij − Σ_{k<j} l_ik·l_jk) / l_jj`, and on the
  /// diagonal the root of that sum.
  ///
  /// - Parameter matrix: `size×size`, row-major; only its lower triangle is read.
  /// - Returns: nil when the matrix is not positive definite in double precision.
  package init?(rowByRow matrix: [Double], size: Int) {
    precondition(matrix.count == size * size, "a matrix of another size")
    var l = matrix
    for i in 0..<size {
      for j in 0...i {
        var sum = matrix[i * size + j]
        for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
        if i == j {
          guard sum > 0, sum.isFinite else { return nil }
          l[i * size + i] = sum.squareRoot()
        } else {
          l[i * size + j] = sum / l[j * size + j]
        }
      }
    }
    self.init(size: size, rowByRow: l)
  }

  /// L, row-major, as a checkpoint keeps it; what is above its diagonal is the matrix's.
  package var rowByRowElements: [Double] { elements }

  /// - Parameter elements: the `rowByRowElements` of a factor.
  package init(size: Int, rowByRowElements elements: [Double]) {
    precondition(elements.count == size * size, "a factor of another size")
    self.init(size: size, rowByRow: elements)
  }

  /// x with `L·Lᵀ·x = right`.
  package func solve(_ right: [Double]) -> [Double] {
    var x = right
    solve(&x, count: 1)
    return x
  }

  /// Solves for each column of `right`, `size×count`, first `L·z = right`, then `Lᵀ·x = z`.
  func substitute(_ right: inout [Double], count: Int) {
    for c in 0..<count {
      for i in 0..<size {
        for k in 0..<i { right[i * count + c] -= elements[i * size + k] * right[k * count + c] }
        right[i * count + c] /= elements[i * size + i]
      }
      for i in (0..<size).reversed() {
        for k in i + 1..<max(size, i + 1) {
          right[i * count + c] -= elements[k * size + i] * right[k * count + c]
        }
        right[i * count + c] /= elements[i * size + i]
      }
    }
  }
}
