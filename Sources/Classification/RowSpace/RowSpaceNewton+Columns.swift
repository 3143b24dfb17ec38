/// Arithmetic on `N×K` vectors, a column for each class.
extension RowSpaceNewton {
  var zeros: [Double] { [Double](repeating: 0, count: size * count) }
  var ones: [Double] { [Double](repeating: 1, count: count) }

  /// What classes have in common: the sum over all, for each, when they share their steps.
  func merged(_ values: [Double]) -> [Double] {
    loss.isSeparable
      ? values : [Double](repeating: values.reduce(0, +), count: count)
  }

  func total(_ values: [Double]) -> Double {
    loss.isSeparable ? values.reduce(0, +) : values[0]
  }

  func dot(_ a: [Double], _ b: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    for i in 0..<size {
      for k in 0..<count { sums[k] += a[i * count + k] * b[i * count + k] }
    }
    return merged(sums)
  }

  func columnSums(_ a: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    for i in 0..<size {
      for k in 0..<count { sums[k] += a[i * count + k] }
    }
    return sums
  }

  func add(_ a: [Double], times factors: [Double], to b: inout [Double]) {
    for i in 0..<size {
      for k in 0..<count { b[i * count + k] += factors[k] * a[i * count + k] }
    }
  }

  func scale(_ a: inout [Double], by factors: [Double]) {
    for i in 0..<size {
      for k in 0..<count { a[i * count + k] *= factors[k] }
    }
  }
}
