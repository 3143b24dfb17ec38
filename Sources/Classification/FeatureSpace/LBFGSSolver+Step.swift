internal import Tensors

/// One iteration.
extension LBFGSSolver {
  /// One iteration for the active groups.
  func step(
    _ state: inout LBFGSState, active: [Int], estimates: [Double], values: [Double]
  ) throws {
    let search = LineSearch(
      objective: objective, C: options.C, eliminatesBias: !options.regularizesBias,
      slopeRatio: 0.2)
    let classes = active.flatMap { Array(groups[$0]) }
    let count = classes.count
    let gradient = state.gradient.map(Float.init)
    var direction = state.memory.direction(gradient: gradient, classes: classes, team: team)

    var line = makeLine(state, active: active, classes: classes, direction: direction)
    let isDownhill = line.slopes.map { $0 < 0 }
    for (i, g) in active.enumerated() where !isDownhill[i] {
      // By rounding alone: fall back to the gradient.
      state.memory.forget(group: g)
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
      direction: direction, count: count, stride: stride, precision: state.precision)
    if active.contains(where: { !state.memory.hasPairs(group: $0) }) {
      // Without curvature known, first try what changes logits by about 1.
      let energies = try objective.directionEnergies(count: count)
      for (i, g) in active.enumerated() where !state.memory.hasPairs(group: g) {
        let energy = line.groups[i].reduce(0) { $0 + energies[$1] }
        let rows = Double(objective.rows.rowCount * line.groups[i].count)
        line.firstSteps[i] = energy > 0 ? min(1, (rows / energy).squareRoot()) : 1
      }
    }

    let end = try search.search(line, &state.elimination)
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
        if state.memory.hasPairs(group: g) {
          state.memory.forget(group: g)
        } else {
          state.isStalled[g] = true
        }
        continue
      }
      for entry in line.groups[i] {
        state.bias[classes[entry]] = end.bias[entry]
        state.loss[classes[entry]] = end.loss[entry]
        state.residual[classes[entry]] = end.residual[entry]
      }
    }
    var whole = [Float](repeating: 0, count: classCount * stride)
    for (entry, k) in classes.enumerated() where end.steps[entry] != 0 {
      whole.replaceSubrange(
        k * stride..<(k + 1) * stride, with: direction[entry * stride..<(entry + 1) * stride])
    }
    state.trail.append(.init(direction: whole, classes: classes, steps: end.steps))
    let old = state.gradient
    if state.trail.isFull {
      let gaps = groups.indices.flatMap { g in
        groups[g].map { _ in 1e-8 * min(estimates[g], values[g]) }
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
}
