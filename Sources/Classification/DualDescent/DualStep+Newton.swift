internal import Tensors

/// Where coordinate descent creeps: the minimum over a list of rows by factorizations.
extension DualStep {
  /// Replaces α by the minimum over the entries alone, and gives the bias of centred rows.
  func newton(_ entries: inout [HingeSweeps.Entry], bias: Double) -> Double {
    let gram = products(entries)
    let newton = FiniteNewton(
      gram: gram, weights: entries.map { $0.cost / options.C }, C: options.C,
      regularizesBias: options.regularizesBias, maximumSteps: 100, roundsBias: false,
      kernels: kernels)
    let before = entries.map { $0.sign * $0.alpha }
    let all = Array(entries.indices)
    let start = FiniteNewton.Point(
      coefficients: before, bias: options.regularizesBias ? 0 : bias,
      products: gram.combination(of: all, before, at: all))
    let (point, _) = newton.solve(targets: entries.map(\.sign), from: start)
    var coefficients = point.coefficients
    var refined = point.bias
    var active = entries.indices.filter { coefficients[$0] * entries[$0].sign > 0 }
    for _ in 0..<Self.mostSets {
      refined = refine(&coefficients, entries, gram, active, bias: refined)
      let next = corrected(active, coefficients, entries, bias: refined)
      if next == active { break }
      active = next
    }
    for i in entries.indices { entries[i].alpha = max(0, entries[i].sign * coefficients[i]) }
    return refined
  }

  /// Sets of rows within the margin that are tried; mostly the first is right but for a few rows.
  private static let mostSets = 30

  /// The rows that belong within the margin, after a minimum on `active`: those there that stay, by the
  /// sign of their coefficients, which is known better than slacks, and others by more than rounding.
  private func corrected(
    _ active: [Int], _ coefficients: [Double], _ entries: [HingeSweeps.Entry], bias: Double
  ) -> [Int] {
    let all = Array(entries.indices)
    let (left, norm) = residuals(coefficients, bias, entries, all)
    let isActive = Set(active)
    return all.filter { i in
      let entry = entries[i]
      if isActive.contains(i) { return coefficients[i] * entry.sign > 0 }
      return left[i] * entry.sign > 1e-15 * (1 + norm * entry.squaredNorm.squareRoot())
    }
  }

  /// Improves the minimum on the rows `active` by what its own weights leave of
  /// `V·x + b + a/2Cc = y` there.
  ///
  /// Products of the rows with each other lose the digits that small features have beside large ones; those
  /// with the weights lose far fewer, and the factor, though inexact, makes the rest smaller each time.
  ///
  /// - Returns: the bias of centred rows.
  private func refine(
    _ coefficients: inout [Double], _ entries: [HingeSweeps.Entry], _ gram: SymmetricMatrix,
    _ active: [Int], bias: Double
  ) -> Double {
    var inside = [Double](repeating: 0, count: entries.count)
    for i in active { inside[i] = coefficients[i] }
    coefficients = inside
    let factor = PositiveDefiniteFactor(
      gram, rows: active, ridges: active.map { 1 / (2 * entries[$0].cost) }, kernels: kernels)
    guard !active.isEmpty, let factor else { return bias }
    var best = (coefficients, bias, left: Double.infinity)
    var bias = bias
    for _ in 0..<6 {
      let (residuals, _) = residuals(coefficients, bias, entries, active)
      let left = residuals.reduce(0) { max($0, abs($1)) }
      if !(left < best.left / 2) { break }
      best = (coefficients, bias, left)
      var right = [Double](repeating: 1, count: 2 * active.count)
      for (i, r) in residuals.enumerated() { right[2 * i] = r }
      factor.solve(&right, count: 2)
      var step = 0.0
      if !options.regularizesBias {
        // Such that `Σ a = 0`, as in `FiniteNewton.minimum`.
        var (ofResiduals, ofOnes) = (0.0, 0.0)
        for (i, row) in active.enumerated() {
          ofResiduals += right[2 * i] + coefficients[row]
          ofOnes += right[2 * i + 1]
        }
        step = ofResiduals / ofOnes
        bias += step
      }
      for (i, row) in active.enumerated() {
        coefficients[row] += right[2 * i] - step * right[2 * i + 1]
      }
    }
    coefficients = best.0
    return best.1
  }

  /// `y − V·x − b − a/2Cc` of some entries, by the features of all, and `‖V‖`.
  private func residuals(
    _ coefficients: [Double], _ bias: Double, _ entries: [HingeSweeps.Entry], _ some: [Int]
  ) -> (residuals: [Double], norm: Double) {
    var weights = [Double](repeating: 0, count: centre.count)
    var sum = 0.0
    for (a, entry) in zip(coefficients, entries) where a != 0 {
      working.cache.add(entry.slot, times: a * entry.scale, to: &weights)
      sum += a
    }
    var ofCentre = 0.0
    for (j, m) in centre.enumerated() {
      weights[j] -= sum * m
      ofCentre += m * weights[j]
    }
    let constant = options.regularizesBias ? sum : bias - ofCentre
    let residuals = some.map { i in
      let entry = entries[i]
      return entry.sign - working.cache.dot(entry.slot, weights) * entry.scale - constant
        - coefficients[i] / (2 * entry.cost)
    }
    return (residuals, weights.reduce(0) { $0 + $1 * $1 }.squareRoot())
  }

  /// Products of the entries' centred rows with each other, or of rows with a feature 1.
  private func products(_ entries: [HingeSweeps.Entry]) -> SymmetricMatrix {
    var gram = SymmetricMatrix(size: entries.count)
    for (i, a) in entries.enumerated() {
      // One factor is centred before it is multiplied: then a large mean costs its digits once.
      var row = centre.map { -$0 }
      working.cache.add(a.slot, times: a.scale, to: &row)
      var ofCentre = 0.0
      for (j, m) in centre.enumerated() { ofCentre += m * row[j] }
      let constant = options.regularizesBias ? 1 : -ofCentre
      let values = entries[...i].map { working.cache.dot($0.slot, row) * $0.scale + constant }
      gram.set(values, rows: i..<i + 1, columns: 0..<i + 1)
    }
    return gram
  }
}
