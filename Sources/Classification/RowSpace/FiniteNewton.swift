internal import Tensors

/// Solves the squared-hinge problem of one class exactly, in terms of rows.
///
/// On a fixed set A of rows within the margin the objective is quadratic, and its minimum solves
/// `[G_AA + diag(1/2Cc), 1; 1ᵀ, 0]·[a; b] = [y_A; 0]`, c the rows' weights (no border where the bias is regularized: G has a
/// feature 1 then). The minimum is reached in finitely many steps, for there are finitely many sets
/// and, with exact line searches, the objective falls at each: A finite Newton method for
/// classification (Mangasarian, 2002); A modified finite Newton method for fast solution of large
/// scale linear SVMs (Keerthi and DeCoste, 2005). Weights and bias move together: a bias that is
/// made optimal after each step undoes what the step knew about the next set.
struct FiniteNewton: Sendable {
  let gram: SymmetricMatrix
  /// How much each row's loss counts.
  let weights: [Double]
  /// Weight of the losses against `½‖W‖²`.
  let C: Double
  let regularizesBias: Bool
  let maximumSteps: Int
  /// Whether a free bias is made one of single precision, as classifiers store it.
  var roundsBias = true
  let kernels: TrainingKernels

  /// Full steps that may raise the objective before line searches begin: most rises pass by
  /// themselves, and full steps end sooner.
  private static let allowedRises = 4

  /// Coefficients of the rows, and what follows from them.
  struct Point: Sendable {
    var coefficients: [Double]
    /// Zero where it is regularized, and thus part of the products.
    var bias: Double
    /// `G·a`.
    var products: [Double]
  }

  /// The minimum, up to rounding, from a starting point.
  ///
  /// - Parameter targets: y, ±1 for each row.
  /// - Returns: the point, and the steps it took.
  func solve(targets: [Double], from start: Point) -> (Point, steps: Int) {
    solve(targets, rows: Array(targets.indices), from: start, isRough: false)
  }

  /// - Parameters:
  ///   - rows: those that count; products with others are not made.
  ///   - isRough: whether to end as soon as a step changes the set's size little.
  private func solve(
    _ targets: [Double], rows: [Int], from start: Point, isRough: Bool
  ) -> (Point, steps: Int) {
    var point = start
    var value = objective(point, targets, rows)
    var rises = 0
    var steps = 0
    var active = activeRows(point, targets, rows)
    while steps < maximumSteps {
      steps += 1
      var next = minimum(on: active, targets, rows, from: point)
      var nextValue = objective(next, targets, rows)
      let nextActive = activeRows(next, targets, rows)
      // The minimum of the quadratic has the set that the quadratic was made for: it is the objective's
      // (Keerthi and DeCoste, 2005, section 3), but for rows that sit on the margin by rounding.
      if nextActive == active && nextValue <= value * (1 + 1e-12) { return (next, steps) }
      // Of a sample: a set that changes by less than a seventh serves as a start.
      if isRough && abs(nextActive.count - active.count) * 7 < active.count { return (next, steps) }
      if nextValue > value { rises += 1 }
      // As Keerthi and DeCoste (2005) do at every step: exact line searches make the objective
      // fall at each step, and so the number of steps finite.
      if rises >= Self.allowedRises {
        next = between(point, next, at: step(from: point, to: next, targets, rows))
        nextValue = objective(next, targets, rows)
        // What is left is rounding.
        if nextValue >= value * (1 - 1e-15) { return (nextValue < value ? next : point, steps) }
      }
      (point, value) = (next, nextValue)
      active = activeRows(point, targets, rows)
    }
    return (point, steps)
  }

  // MARK: Starts

  /// A point near the minimum, from the minima on ever more of the rows.
  ///
  /// From all rows within the margin the set halves with each step, and steps cost its size cubed.
  /// Few rows say which of the next few are within the margin: the set grows towards its final size
  /// from below. 3060 rows of 102 classes: 0.03 instead of 2 billion multiplications a class.
  func start(targets: [Double]) -> Point {
    let zeros = [Double](repeating: 0, count: gram.size)
    var point = Point(coefficients: zeros, bias: 0, products: zeros)
    let positives = targets.reduce(0) { $1 > 0 ? $0 + 1 : $0 }
    for divisor in Self.divisors {
      // Of few rows, on either side, all.
      let ofPositives = max(1, min(divisor, positives / Self.fewestRows))
      let ofNegatives = max(1, min(divisor, (targets.count - positives) / Self.fewestRows))
      if max(ofPositives, ofNegatives) == 1 { break }
      let rows = targets.indices.filter {
        Self.isSampled($0, oneOf: targets[$0] > 0 ? ofPositives : ofNegatives)
      }
      if rows.isEmpty { continue }
      extend(&point, to: rows)
      point = solve(targets, rows: rows, from: point, isRough: true).0
      // So small a C that hardly a row will be outside.
      if activeRows(point, targets, rows).count == rows.count { break }
    }
    extend(&point, to: Array(targets.indices))
    return point
  }

  /// The rows for each of a sample; a sample contains those before.
  private static let divisors = [16, 6, 2]
  /// Rows of a side that a sample has at least, where there are so many.
  private static let fewestRows = 32

  /// By multiples of the golden ratio, whose fractions spread evenly over every stretch of rows.
  private static func isSampled(_ row: Int, oneOf divisor: Int) -> Bool {
    UInt64(row) &* 0x9E37_79B9_7F4A_7C15 <= UInt64.max / UInt64(divisor)
  }

  /// Makes the products for `rows` that the coefficients give.
  private func extend(_ point: inout Point, to rows: [Int]) {
    let used = point.coefficients.indices.filter { point.coefficients[$0] != 0 }
    point.products = gram.combination(
      of: used, used.map { point.coefficients[$0] }, at: rows)
  }

  /// Whether a class's rows are all within the margin.
  func isActiveEverywhere(_ point: Point, _ targets: [Double]) -> Bool {
    activeRows(point, targets, Array(targets.indices)).count == targets.count
  }

  /// The minima of several classes while every row is within the margin, with one factorization.
  ///
  /// - Parameter targets: of each class.
  func minimaOnAllRows(_ targets: [[Double]], team: ThreadTeam) -> [Point] {
    let size = gram.size
    let factor = makeFactor(Array(0..<size), team: team)
    let count = targets.count + 1
    var right = [Double](repeating: 1, count: size * count)
    for (k, y) in targets.enumerated() {
      for i in 0..<size { right[i * count + k] = y[i] }
    }
    factor.solve(&right, count: count)
    let ones = (0..<size).map { right[$0 * count + targets.count] }
    return targets.indices.map { k in
      let solved = (0..<size).map { right[$0 * count + k] }
      let bias = bias(solved, ones)
      let coefficients = zip(solved, ones).map { $0 - bias * $1 }
      // On all rows G·a + a/2Cc + b = y.
      let products = (0..<size).map {
        targets[k][$0] - coefficients[$0] / (2 * C * weights[$0]) - bias
      }
      return Point(coefficients: coefficients, bias: bias, products: products)
    }
  }

  /// `½·aᵀ·G·a + C·Σ c·max(0, 1 − y·f)²`.
  private func objective(_ point: Point, _ targets: [Double], _ rows: [Int]) -> Double {
    var norm = 0.0
    var loss = 0.0
    for i in rows {
      norm += point.coefficients[i] * point.products[i]
      let slack = max(0, 1 - targets[i] * (point.products[i] + point.bias))
      loss += weights[i] * slack * slack
    }
    return norm / 2 + C * loss
  }

  private func activeRows(_ point: Point, _ targets: [Double], _ rows: [Int]) -> [Int] {
    rows.filter { targets[$0] * (point.products[$0] + point.bias) < 1 }
  }

  /// The minimum of the quadratic that the objective is while `active` rows are within the margin.
  private func minimum(
    on active: [Int], _ targets: [Double], _ rows: [Int], from point: Point
  ) -> Point {
    let zeros = [Double](repeating: 0, count: gram.size)
    if active.isEmpty { return Point(coefficients: zeros, bias: point.bias, products: zeros) }
    var right = [Double](repeating: 1, count: 2 * active.count)
    for (i, row) in active.enumerated() { right[2 * i] = targets[row] }
    makeFactor(active, team: nil).solve(&right, count: 2)
    // By elimination: with u = M⁻¹·y and v = M⁻¹·1, M = G_AA + diag(1/2Cc), a = u − b·v, and 1ᵀ·a = 0
    // gives b = Σu / Σv. One factor, two right-hand sides.
    let solved = active.indices.map { right[2 * $0] }
    let ones = active.indices.map { right[2 * $0 + 1] }
    let bias = bias(solved, ones)
    let some = zip(solved, ones).map { $0 - bias * $1 }
    var coefficients = zeros
    for (i, a) in zip(active, some) { coefficients[i] = a }
    return Point(
      coefficients: coefficients, bias: bias, products: gram.combination(of: active, some, at: rows)
    )
  }

  /// The bias that makes the coefficients `solved − b·ones` sum to zero, as it will be stored.
  ///
  /// Single precision leaves an error of up to 3e-8 in a bias near 1, and at large C the same error
  /// on every row costs more than all other rounding (1e-8 of the objective for raw activations at
  /// C = 100). Weights that are optimal for the rounded bias make up for it.
  private func bias(_ solved: [Double], _ ones: [Double]) -> Double {
    if regularizesBias { return 0 }
    let bias = solved.reduce(0, +) / ones.reduce(0, +)
    return roundsBias ? Double(Float(bias)) : bias
  }

  /// The factor of `G_AA + diag(1/2Cc)`; where that is not positive definite by rounding, of a little more.
  private func makeFactor(_ rows: [Int], team: ThreadTeam?) -> PositiveDefiniteFactor {
    let ridges = rows.map { 1 / (2 * C * weights[$0]) }
    var more = 0.0
    while true {
      let factor = PositiveDefiniteFactor(
        gram, rows: rows, ridges: ridges.map { $0 + more }, kernels: kernels, team: team)
      if let factor { return factor }
      let largest = rows.reduce(0) { max($0, gram[$1, $1]) }
      // Relative to the largest element, a little more than the rounding of a product.
      more = max(more * 10, largest * 1e-14)
    }
  }

  private func between(_ from: Point, _ to: Point, at t: Double) -> Point {
    func mix(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + t * ($1 - $0) } }
    return Point(
      coefficients: mix(from.coefficients, to.coefficients),
      bias: from.bias + t * (to.bias - from.bias), products: mix(from.products, to.products))
  }

  /// The step at which the objective is smallest on the line through two points.
  ///
  /// Its derivative there is increasing and piecewise linear: Newton's method within a bracket.
  private func step(
    from: Point, to: Point, _ targets: [Double], _ rows: [Int]
  ) -> Double {
    // d/dt of ½‖w + t·d‖² is wᵀd + t·dᵀd, with wᵀd = aᵀ·G·δ; of C·Σc·s² it is −2C·Σc·rate·s over the
    // rows whose slack s = slack − t·rate is positive.
    var (slope, bend) = (0.0, 0.0)  // of ½‖w‖²
    var slack: [Double] = []
    var rate: [Double] = []
    for i in rows {
      let d = to.coefficients[i] - from.coefficients[i]
      let q = to.products[i] - from.products[i]
      slope += from.coefficients[i] * q
      bend += d * q
      slack.append(1 - targets[i] * (from.products[i] + from.bias))
      rate.append(targets[i] * (q + to.bias - from.bias))
    }
    var (low, high) = (0.0, Double.infinity)
    var t = 1.0
    for _ in 0..<100 {
      var first = slope + t * bend
      var second = bend
      for (i, row) in rows.enumerated() {
        let s = slack[i] - t * rate[i]
        if s > 0 {
          first -= 2 * C * weights[row] * rate[i] * s
          second += 2 * C * weights[row] * rate[i] * rate[i]
        }
      }
      if first == 0 { break }
      // Convex along the line, so the sign of the derivative tells the side. A Newton step that leaves the
      // bracket has crossed a kink: halve it, or double the step while nothing bounds it.
      if first > 0 { high = t } else { low = t }
      var next = second > 0 ? t - first / second : .infinity
      if !(next > low && next < high) { next = high.isFinite ? low + (high - low) / 2 : 2 * t }
      if abs(next - t) <= 1e-15 * t { break }
      t = next
    }
    return t
  }
}
