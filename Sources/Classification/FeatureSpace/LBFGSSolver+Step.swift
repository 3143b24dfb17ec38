internal import Tensors

/// One iteration.
extension LBFGSSolver {
  /// One iteration for the active groups.
  func step(_ state: inout LBFGSState, active: [Int], _ estimates: [Estimate]) throws {
    let search = LineSearch(
      objective: objective, C: options.C, eliminatesBias: !options.regularizesBias,
      slopeRatio: Self.slopeRatio)
    let classes = active.flatMap { Array(groups[$0]) }
    var (line, direction) = downhill(&state, active: active, classes: classes)
    try limit(&direction, of: &line)
    // A step gains about half the slope, which may be far less than the gap. An inexact bias tilts
    // φ by the root of this, times a curvature that can be large: 1e-4 was too coarse for steep
    // squared hinges. Far from the optimum both may exceed the objective itself.
    for (i, g) in active.enumerated() {
      let (value, gap) = (estimates[g].value, estimates[g].gap)
      line.groups[i].value = value
      let slope = line.groups[i].slope * line.groups[i].firstStep
      line.groups[i].allowed = 1e-8 * min(gap, -slope, value)
    }
    try objective.multiply(
      direction: direction, count: classes.count, stride: stride, precision: state.precision)
    try setFirstSteps(of: &line, state, active: active)
    let end = try search.search(line, &state.elimination)
    move(&state, line, direction, to: end, active: active)

    let whole = scattered(direction, classes: classes, steps: end.steps)
    state.trail.append(.init(direction: whole, classes: classes, steps: end.steps))
    let old = state.gradient
    if state.trail.isFull {
      let gaps = groups.indices.flatMap { g in
        groups[g].map { _ in 1e-8 * min(estimates[g].gap, estimates[g].value) }
      }
      let moved = state.trail.movedClasses
      try restart(&state, classes: moved, allowed: moved.map { gaps[$0] })
    } else {
      try updateGradient(&state, classes: classes)
    }
    var change = [Float](repeating: 0, count: classCount * stride)
    for (entry, k) in classes.enumerated() where end.steps[entry] != 0 {
      for j in k * stride..<(k + 1) * stride { change[j] = Float(state.gradient[j] - old[j]) }
    }
    state.memory.record(
      direction: whole, lengths: end.steps, change: change, classes: classes, team: team)
  }

  /// How small a slope ends the line search, relative to that at the start (the c₂ of the Wolfe
  /// conditions, Nocedal and Wright, equation 3.7b, where 0.9 is usual): trials cost no product with
  /// the features, so a careful search is cheaper than another iteration.
  private static let slopeRatio = 0.2

  /// The direction that the pairs suggest for the active groups, and the line along it.
  private func downhill(
    _ state: inout LBFGSState, active: [Int], classes: [Int]
  ) -> (line: LineSearch.Line, direction: [Float]) {
    let gradient = state.gradient.map(Float.init)
    var direction = state.memory.direction(gradient: gradient, classes: classes, team: team)
    let line = makeLine(state, active: active, classes: classes, direction: direction)
    let isDownhill = line.groups.map { $0.slope < 0 }
    if !isDownhill.contains(false) { return (line, direction) }
    for (i, g) in active.enumerated() where !isDownhill[i] {
      // By rounding alone: fall back to the gradient.
      state.memory.forget(group: g)
      for entry in line.groups[i].entries {
        for j in 0..<stride {
          direction[entry * stride + j] = -gradient[classes[entry] * stride + j]
        }
      }
    }
    return (
      makeLine(state, active: active, classes: classes, direction: direction), direction
    )
  }

  /// Halves the directions of groups, and doubles their steps, until products with the features are
  /// well within single precision: features may be as large as 1e15, and C makes gradients larger.
  ///
  /// - Throws: `ClassificationError.saturated` for a direction beyond single precision.
  private func limit(_ direction: inout [Float], of line: inout LineSearch.Line) throws {
    let features = objective.rows.columnBounds.reduce(0, +)
    for i in line.groups.indices {
      let entries = line.groups[i].entries
      let part = entries.lowerBound * stride..<entries.upperBound * stride
      let largest = VectorOperations.largestMagnitude(direction, over: part)
      let bound = Double(largest) * max(features, 1)
      if !bound.isFinite { throw ClassificationError.saturated("gradients") }
      if !(bound > 0x1p90) { continue }
      // By a power of two, which rounds nothing.
      let factor = Double(sign: .plus, exponent: 60 - Int(bound.exponent), significand: 1)
      for j in part { direction[j] *= Float(factor) }
      line.groups[i].product *= factor
      line.groups[i].squaredLength *= factor * factor
      line.groups[i].slope *= factor
      line.groups[i].firstStep /= factor
      for entry in entries { line.biasDirection[entry] *= factor }
    }
  }

  /// Where no curvature is known, first tries what changes logits by about 1: `t²·Σq² = N`, for there
  /// losses bend.
  private func setFirstSteps(
    of line: inout LineSearch.Line, _ state: LBFGSState, active: [Int]
  ) throws {
    if !active.contains(where: { !state.memory.hasPairs(group: $0) }) { return }
    let energies = try objective.directionEnergies(count: line.classes.count)
    for (i, g) in active.enumerated() where !state.memory.hasPairs(group: g) {
      let entries = line.groups[i].entries
      let energy = entries.reduce(0) { $0 + energies[$1] }
      let rows = Double(objective.rows.rowCount * entries.count)
      let usual = line.groups[i].firstStep
      line.groups[i].firstStep =
        energy > 0 ? min(usual, (rows / energy).squareRoot()) : usual
    }
  }

  /// Moves logits, weights and bias to where the search ended, and notes groups that cannot move.
  private func move(
    _ state: inout LBFGSState, _ line: LineSearch.Line, _ direction: [Float],
    to end: LineSearch.End, active: [Int]
  ) {
    objective.advance(classes: line.classes, steps: end.steps)
    for (entry, k) in line.classes.enumerated() {
      let t = end.steps[entry]
      for j in 0..<width {
        state.weights[k * width + j] += t * Double(direction[entry * stride + j])
      }
    }
    for (i, g) in active.enumerated() {
      if !end.hasMoved[i] {
        // Try once more along the gradient; if that was it already, this is as good as it gets.
        if state.memory.hasPairs(group: g) {
          state.memory.forget(group: g)
        } else {
          state.isStalled[g] = true
        }
        continue
      }
      for entry in line.groups[i].entries {
        let k = line.classes[entry]
        state.bias[k] = end.bias[entry]
        state.loss[k] = end.loss[entry]
        state.residual[k] = end.residual[entry]
      }
    }
  }

  /// A direction of some classes as one of all, K×stride; zero for classes that did not move.
  private func scattered(_ direction: [Float], classes: [Int], steps: [Double]) -> [Float] {
    var whole = [Float](repeating: 0, count: classCount * stride)
    for (entry, k) in classes.enumerated() where steps[entry] != 0 {
      whole.replaceSubrange(
        k * stride..<(k + 1) * stride, with: direction[entry * stride..<(entry + 1) * stride])
    }
    return whole
  }

  /// The norms and products of a direction, with first steps of 1.
  private func makeLine(
    _ state: LBFGSState, active: [Int], classes: [Int], direction: [Float]
  ) -> LineSearch.Line {
    var ranges: [Range<Int>] = []
    for g in active {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<start + groups[g].count)
    }
    let biasDirection = classes.indices.map {
      options.regularizesBias ? Double(direction[$0 * self.stride + self.width]) : 0
    }
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
    let groups = ranges.map { range in
      func sum(_ i: Int) -> Double { range.reduce(0) { $0 + products[$1][i] } }
      return LineSearch.Group(
        entries: range, halfSquaredNorm: sum(0) / 2, product: sum(1), squaredLength: sum(2),
        slope: sum(3))
    }
    return LineSearch.Line(
      classes: classes, bias: classes.map { bias[$0] }, biasDirection: biasDirection,
      groups: groups)
  }
}
