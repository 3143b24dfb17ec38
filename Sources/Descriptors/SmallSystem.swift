/// Symmetric systems of a few equations, solved in one fixed order of operations.
///
/// LAPACK's libraries choose theirs by processor, and what a store holds must not depend on that.
enum SmallSystem {
  /// The solution of `A·w = 1`, scaled so that its sum is 1; equal weights where A is singular.
  ///
  /// By Cholesky's factors `A = L·Lᵀ`.
  ///
  /// - Parameter matrix: `size×size`; positive definite; of it the lower triangle is read.
  static func affineWeights(_ matrix: [Double], size: Int) -> [Double] {
    precondition(size > 0 && matrix.count == size * size, "a square system")
    var l = matrix
    let equal = [Double](repeating: 1 / Double(size), count: size)
    for j in 0..<size {
      for i in j..<size {
        var sum = l[i * size + j]
        for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
        if i == j {
          guard sum > 0 else { return equal }
          l[j * size + j] = sum.squareRoot()
        } else {
          l[i * size + j] = sum / l[j * size + j]
        }
      }
    }
    var w = [Double](repeating: 1, count: size)
    for i in 0..<size {
      for k in 0..<i { w[i] -= l[i * size + k] * w[k] }
      w[i] /= l[i * size + i]
    }
    for i in (0..<size).reversed() {
      for k in i + 1..<size { w[i] -= l[k * size + i] * w[k] }
      w[i] /= l[i * size + i]
    }
    let sum = w.reduce(0, +)
    return sum.isFinite && sum != 0 ? w.map { $0 / sum } : equal
  }
}
