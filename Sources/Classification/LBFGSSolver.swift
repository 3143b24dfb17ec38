internal import Tensors

/// Minimizes the training objective by L-BFGS, with one product with the features and one with
/// their transpose an iteration.
///
/// Every rank holds weights, gradient and pairs of all classes, and computes the same bytes from the
/// same reduced sums. Classes of a separable loss are problems of their own: each has its own steps
/// and stops, and leaves the products, when its own gap is small enough.
struct LBFGSSolver {
  let objective: Objective
  let options: TrainingOptions
  let team: ThreadTeam
  /// Passes after which another way of solving is the better bet.
  let worthwhilePasses: Int
  let progress: (TrainingProgress) -> Void

  /// The point reached, and all that belongs to it.
  private struct State {
    /// K×D, and K.
    var weights: [Double]
    var bias: [Double]
    /// Of the objective in the weights, and in the bias when that is regularized: K×stride.
    var gradient: [Double]
    /// For each class (softmax: all losses in the first).
    var loss: [Double]
    var residual: [Double]
    var isStalled: [Bool]
    /// Whether products with the features are made in double precision.
    var isWide = false
  }

  /// A point to start from or to end at.
  struct Point {
    /// K×D, and K.
    var weights: [Double]
    var bias: [Double]
  }

  private var classCount: Int { objective.rows.classCount }
  private var width: Int { objective.rows.width }
  /// Numbers of a class in gradients and directions: the weights, and a regularized bias.
  private var stride: Int { width + (options.regularizesBias ? 1 : 0) }
  /// The classes that share a step, in each group.
  private var groups: [Range<Int>] {
    objective.loss.isSeparable ? (0..<classCount).map { $0..<$0 + 1 } : [0..<classCount]
  }

  init(
    objective: Objective, options: TrainingOptions, team: ThreadTeam,
    worthwhilePasses: Int = .max, progress: @escaping (TrainingProgress) -> Void
  ) {
    self.objective = objective
    self.options = options
    self.team = team
    self.worthwhilePasses = worthwhilePasses
    self.progress = progress
  }

  /// Runs until the certified gap is within the tolerance, or nothing gets better any more.
  /// Collective.
  ///
  /// - Parameter start: where to begin; nil for zero weights.
  /// - Returns: nil after `worthwhilePasses`, or as soon as twice as many seem to be needed.
  func solve(from start: Point? = nil) throws -> Solution? {
    var elimination = BiasElimination(objective: objective, C: options.C)
    let certifier = Certifier(
      objective: objective, C: options.C, regularizesBias: options.regularizesBias)
    var memory = LimitedMemory(
      classCount: classCount, stride: stride, groupCount: groups.count)
    var state = makeState(from: nil)
    try settle(&state, &elimination)
    let referenceNorm = state.gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    if let start {
      state = makeState(from: start)
      try objective.setLogits(weights: start.weights)
      try settle(&state, &elimination)
    }

    // The estimate leaves out the rounding of the weights: aim a little lower.
    var target = options.tolerance / 2
    var passes = start == nil ? 1 : 3
    var iterations = 0
    var firstGap: Double?
    while true {
      let estimates = groups.map { gap(of: $0, state) }
      let values = groups.map { value(of: $0, state) }
      let relativeGap =
        estimates.reduce(0, +) / max(values.reduce(0, +), .leastNormalMagnitude)
      if !isWorthwhile(passes, from: firstGap ?? relativeGap, to: relativeGap, target: target) {
        return nil
      }
      firstGap = firstGap ?? relativeGap
      progress(
        TrainingProgress(
          iteration: iterations, passes: passes, objective: values.reduce(0, +),
          relativeGap: relativeGap))
      if state.isStalled.contains(true) && !state.isWide {
        try widen(&state, &elimination)
        passes += 1
        continue
      }
      let active = groups.indices.filter {
        estimates[$0] > target * values[$0] && !state.isStalled[$0]
      }
      if active.isEmpty || iterations == options.maximumIterations {
        let result = try certifier.certify(
          weights: state.weights, bias: state.bias, referenceNorm: referenceNorm, &elimination)
        passes += 1
        let isConverged = result.certificate.relativeGap <= options.tolerance
        let isExhausted = state.isWide && (state.isStalled.contains(true) || target < 1e-15)
        if isConverged || iterations == options.maximumIterations || isExhausted {
          return Solution(
            weights: result.weights, bias: result.bias, certificate: result.certificate,
            iterations: iterations, passes: passes, isConverged: isConverged)
        }
        target /= 10
        if !state.isWide {
          try widen(&state, &elimination)
          passes += 1
        }
        continue
      }
      try step(
        &state, active: active, estimates: estimates, values: values, &memory, &elimination)
      iterations += 1
      passes += 1
    }
  }

  /// Runs in single precision until the estimated gap is within `target` of the objective, or
  /// nothing gets better; without a certificate. Collective.
  ///
  /// - Parameter start: the point that the objective's logits belong to, where an earlier call ended;
  ///   nil for zero weights, at which new objectives begin.
  func approach(from start: Point?, target: Double) throws -> Point {
    var elimination = BiasElimination(objective: objective, C: options.C)
    var memory = LimitedMemory(
      classCount: classCount, stride: stride, groupCount: groups.count)
    var state = makeState(from: start)
    try settle(&state, &elimination)
    for _ in 0..<options.maximumIterations {
      let estimates = groups.map { gap(of: $0, state) }
      let values = groups.map { value(of: $0, state) }
      let active = groups.indices.filter {
        estimates[$0] > target * values[$0] && !state.isStalled[$0]
      }
      if active.isEmpty { break }
      try step(
        &state, active: active, estimates: estimates, values: values, &memory, &elimination)
    }
    return Point(weights: state.weights, bias: state.bias)
  }

  private func makeState(from start: Point?) -> State {
    State(
      weights: start?.weights ?? [Double](repeating: 0, count: classCount * width),
      bias: start?.bias ?? [Double](repeating: 0, count: classCount),
      gradient: [Double](repeating: 0, count: classCount * stride),
      loss: [Double](repeating: 0, count: classCount),
      residual: [Double](repeating: 0, count: classCount),
      isStalled: [Bool](repeating: false, count: groups.count))
  }

  /// Whether the target is within reach, by a gap that shrinks by the same factor each pass.
  private func isWorthwhile(
    _ passes: Int, from first: Double, to gap: Double, target: Double
  ) -> Bool {
    if worthwhilePasses == .max || gap <= target { return true }
    if passes < 7 { return true }
    let needed = Double(passes) * (first / target).logarithm / (first / gap).logarithm
    return gap < first && passes < worthwhilePasses && needed <= 2 * Double(worthwhilePasses)
  }

  /// Goes on in double precision: rounding in products may be what is in the way.
  private func widen(_ state: inout State, _ elimination: inout BiasElimination) throws {
    state.isWide = true
    state.isStalled = state.isStalled.map { _ in false }
    try objective.setLogits(weights: state.weights)
    try settle(&state, &elimination)
  }

  /// One iteration for the active groups.
  private func step(
    _ state: inout State, active: [Int], estimates: [Double], values: [Double],
    _ memory: inout LimitedMemory, _ elimination: inout BiasElimination
  ) throws {
    let search = LineSearch(
      objective: objective, C: options.C, eliminatesBias: !options.regularizesBias,
      slopeRatio: 0.2)
    let classes = active.flatMap { Array(groups[$0]) }
    let count = classes.count
    let gradient = state.gradient.map(Float.init)
    var direction = memory.direction(gradient: gradient, classes: classes, team: team)

    var line = makeLine(state, active: active, classes: classes, direction: direction)
    let isDownhill = line.slopes.map { $0 < 0 }
    for (i, g) in active.enumerated() where !isDownhill[i] {
      // By rounding alone: fall back to the gradient.
      memory.forget(group: g)
      for entry in line.groups[i] {
        for j in 0..<stride {
          direction[entry * stride + j] = -gradient[classes[entry] * stride + j]
        }
      }
    }
    if isDownhill.contains(false) {
      line = makeLine(state, active: active, classes: classes, direction: direction)
    }
    line.values = active.map { values[$0] }
    // A step gains about half the slope, which may be far less than the gap. An inexact bias tilts
    // φ by the root of this, times a curvature that can be large: 1e-4 was too coarse for steep
    // squared hinges. Far from the optimum both may exceed the objective itself.
    line.allowed = active.indices.map {
      1e-8 * min(estimates[active[$0]], -line.slopes[$0], line.values[$0])
    }
    try objective.multiply(
      direction: direction, count: count, stride: stride, isWide: state.isWide)
    if active.contains(where: { !memory.hasPairs(group: $0) }) {
      // Without curvature known, first try what changes logits by about 1.
      let energies = try objective.directionEnergies(count: count)
      for (i, g) in active.enumerated() where !memory.hasPairs(group: g) {
        let energy = line.groups[i].reduce(0) { $0 + energies[$1] }
        let rows = Double(objective.rows.rowCount * line.groups[i].count)
        line.firstSteps[i] = energy > 0 ? min(1, (rows / energy).squareRoot()) : 1
      }
    }

    let end = try search.search(line, &elimination)
    objective.advance(classes: classes, steps: end.steps)
    for (entry, k) in classes.enumerated() {
      let t = end.steps[entry]
      for j in 0..<width {
        state.weights[k * width + j] += t * Double(direction[entry * stride + j])
      }
    }
    for (i, g) in active.enumerated() {
      if !end.hasMoved[i] {
        // Try once more along the gradient; if that was it already, this is as good as it gets.
        if memory.hasPairs(group: g) { memory.forget(group: g) } else { state.isStalled[g] = true }
        continue
      }
      for entry in line.groups[i] {
        state.bias[classes[entry]] = end.bias[entry]
        state.loss[classes[entry]] = end.loss[entry]
        state.residual[classes[entry]] = end.residual[entry]
      }
    }
    let old = state.gradient
    try updateGradient(&state, classes: classes)
    record(
      old, state.gradient, direction, steps: end.steps, classes: classes, &memory)
  }

  /// Stores the step taken and what it did to the gradient.
  private func record(
    _ old: [Double], _ new: [Double], _ direction: [Float], steps: [Double], classes: [Int],
    _ memory: inout LimitedMemory
  ) {
    var step = [Float](repeating: 0, count: classCount * stride)
    var change = step
    for (entry, k) in classes.enumerated() where steps[entry] != 0 {
      for j in 0..<stride {
        step[k * stride + j] = Float(steps[entry] * Double(direction[entry * stride + j]))
        change[k * stride + j] = Float(new[k * stride + j] - old[k * stride + j])
      }
    }
    memory.record(step: step, change: change, classes: classes, team: team)
  }

  /// The norms and products of a direction, with first steps of 1.
  private func makeLine(
    _ state: State, active: [Int], classes: [Int], direction: [Float]
  ) -> LineSearch.Line {
    var ranges: [Range<Int>] = []
    for g in active {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<start + groups[g].count)
    }
    let biasDirection = classes.indices.map {
      options.regularizesBias ? Double(direction[$0 * self.stride + self.width]) : 0
    }
    var line = LineSearch.Line(
      classes: classes, groups: ranges, bias: classes.map { state.bias[$0] },
      biasDirection: biasDirection, halfSquaredNorms: [], products: [], squaredLengths: [],
      values: [], slopes: [], firstSteps: active.map { _ in 1 }, allowed: [])
    let (weights, gradient, bias) = (state.weights, state.gradient, state.bias)
    let (stride, width) = (stride, width)
    let products = team.map(classes.count) { entry, _ in
      let k = classes[entry]
      var sums: (ww: Double, wd: Double, dd: Double, gd: Double)
      if stride == width {
        sums = VectorOperations.lineProducts(
          weights, gradient, from: k * width, direction, from: entry * width, count: width)
      } else {
        // The bias is the last of the class's unknowns, and stands apart from its weights.
        let own = Array(weights[k * width..<(k + 1) * width]) + [bias[k]]
        sums = VectorOperations.lineProducts(
          own, Array(gradient[k * stride..<(k + 1) * stride]), from: 0, direction,
          from: entry * stride, count: stride)
      }
      return [sums.ww, sums.wd, sums.dd, sums.gd]
    }
    for range in ranges {
      func sum(_ i: Int) -> Double { range.reduce(0) { $0 + products[$1][i] } }
      line.halfSquaredNorms.append(sum(0) / 2)
      line.products.append(sum(1))
      line.squaredLengths.append(sum(2))
      line.slopes.append(sum(3))
    }
    return line
  }

  /// Makes losses, bias and gradient those of the present weights and logits.
  private func settle(_ state: inout State, _ elimination: inout BiasElimination) throws {
    let classes = Array(0..<classCount)
    var request = Sweep.Request(
      classes: classes, columns: [], directionCount: 0, steps: [], bias: state.bias)
    let sweep =
      options.regularizesBias
      ? try objective.sweep(request)
      : try elimination.minimize(
        &request, allowed: [Double](repeating: 0, count: classCount))
    (state.bias, state.loss, state.residual) = (request.bias, sweep.loss, sweep.residual)
    try updateGradient(&state, classes: classes)
  }

  /// Sets the gradient of some classes from the residuals at the present logits and bias.
  private func updateGradient(_ state: inout State, classes: [Int]) throws {
    let rows = objective.rows
    var sweep = Sweep(
      values: [Double](repeating: 0, count: Sweep.fieldCount * classes.count),
      classCount: classes.count)
    sweep.loss = classes.map { state.loss[$0] }
    sweep.residual = classes.map { state.residual[$0] }
    let sums = try objective.gradient(
      classes: classes, bias: classes.map { state.bias[$0] },
      massBounds: rows.massBounds(loss: objective.loss, classes: classes, sweep: sweep),
      isWide: state.isWide)
    for (entry, k) in classes.enumerated() {
      for (j, sum) in sums.values(row: entry).enumerated() {
        state.gradient[k * stride + j] = state.weights[k * width + j] + options.C * sum
      }
      if options.regularizesBias {
        state.gradient[k * stride + width] = state.bias[k] + options.C * state.residual[k]
      }
    }
  }

  /// `½‖gradient‖²`, which is the duality gap where the bias is optimal or regularized.
  private func gap(of group: Range<Int>, _ state: State) -> Double {
    state.gradient[group.lowerBound * stride..<group.upperBound * stride]
      .reduce(0) { $0 + $1 * $1 } / 2
  }

  private func value(of group: Range<Int>, _ state: State) -> Double {
    var norm = state.weights[group.lowerBound * width..<group.upperBound * width]
      .reduce(0) { $0 + $1 * $1 }
    if options.regularizesBias { norm += state.bias[group].reduce(0) { $0 + $1 * $1 } }
    return norm / 2 + options.C * state.loss[group].reduce(0, +)
  }
}
