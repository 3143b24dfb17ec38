/// Finds how far to go along a direction, for every group of classes at once.
///
/// A group is what shares a step: all classes for softmax, each class for a separable loss. Along
/// the line `φ(t) = min_b P(W + t·d, b)` is convex; the search stops where its slope is small
/// against the slope at the start and φ has not risen. It needs no product with the features.
struct LineSearch {
  /// What is known of a line before the search.
  struct Line {
    /// The classes of the direction.
    var classes: [Int]
    /// The bias at the start, for each of `classes`, and how the direction moves it (zeros when the
    /// bias is eliminated).
    var bias: [Double]
    var biasDirection: [Double]
    var groups: [Group]
  }

  /// Some of the line's classes that share a step.
  struct Group {
    /// Which of the classes.
    var entries: Range<Int>
    /// `½‖W‖²`, `W·d` and `‖d‖²`.
    var halfSquaredNorm: Double
    var product: Double
    var squaredLength: Double
    /// The objective and its slope at the start.
    var value = 0.0
    var slope: Double
    /// The first step to try: 1 is what the pairs of L-BFGS mean.
    var firstStep = 1.0
    /// How exactly the bias must be solved for.
    var allowed = 0.0
  }

  /// Where the search ended.
  struct End {
    /// For each class of the direction.
    var steps: [Double]
    var bias: [Double]
    var loss: [Double]
    var residual: [Double]
    /// For each group: the objective, and whether it got any smaller.
    var values: [Double]
    var hasMoved: [Bool]

    /// - Parameter position: where the group's classes begin in bias and evaluation.
    fileprivate mutating func move(
      _ group: Group, to step: Double, bias solved: [Double], _ evaluation: LossEvaluation,
      from position: Int
    ) {
      for (offset, entry) in group.entries.enumerated() {
        steps[entry] = step
        bias[entry] = solved[position + offset]
        loss[entry] = evaluation.loss[position + offset]
        residual[entry] = evaluation.residual[position + offset]
      }
    }
  }

  /// One side of the bracket.
  private struct Side {
    var step: Double
    var slope: Double
  }

  let objective: Objective
  /// Weight of the losses against `½‖W‖²`.
  let C: Double
  let eliminatesBias: Bool
  /// The slope, relative to that at the start, that is small enough.
  let slopeRatio: Double

  func search(_ line: Line, _ elimination: inout BiasElimination) throws -> End {
    let count = line.classes.count
    var end = End(
      steps: [Double](repeating: 0, count: count), bias: line.bias,
      loss: [Double](repeating: 0, count: count), residual: [Double](repeating: 0, count: count),
      values: line.groups.map(\.value), hasMoved: line.groups.map { _ in false })
    var low = line.groups.map { Side(step: 0, slope: $0.slope) }
    var high = [Side?](repeating: nil, count: line.groups.count)
    var repeats = [Int](repeating: 0, count: line.groups.count)
    var steps = line.groups.map(\.firstStep)
    var bias = line.bias
    var pending = Array(line.groups.indices)

    for trial in 1...30 where !pending.isEmpty {
      let entries = pending.flatMap { Array(line.groups[$0].entries) }
      let (evaluation, solved) = try evaluate(
        line, entries: entries, steps: steps, bias: bias, &elimination)
      var position = 0
      var next: [Int] = []
      for g in pending {
        let group = line.groups[g]
        let t = steps[g]
        let (value, slope) = measure(line, group, at: t, evaluation, from: position)
        // A sum of N losses is good to some 1e-14; without this, rounding near the optimum would pass for
        // a rise.
        let noise = 1e-14 * abs(group.value)
        // A step of length 0 is no move, whatever its value.
        let hasRisen = !(value <= group.value + noise) || !slope.isFinite || !(t > 0)
        // The minimum is further on; elsewhere it is at this step or before, for φ is convex.
        let isBelow = slope < 0 && !hasRisen

        if !hasRisen && (isBelow || abs(slope) <= slopeRatio * abs(group.slope)) {
          // The best so far: along a convex line, every step further with a negative slope is.
          end.move(group, to: t, bias: solved, evaluation, from: position)
          end.values[g] = value
          end.hasMoved[g] = true
        }
        if hasRisen || abs(slope) > slopeRatio * abs(group.slope) {
          steps[g] = Self.nextStep(
            t, slope: slope.isFinite && !hasRisen ? slope : max(slope, 0), isBelow: isBelow,
            low: &low[g], high: &high[g], repeats: &repeats[g])
          if trial < 30 { next.append(g) }
        }
        for (offset, entry) in group.entries.enumerated() where solved[position + offset].isFinite {
          bias[entry] = solved[position + offset]
        }
        position += group.entries.count
      }
      pending = next
    }
    return end
  }

  /// The objective of a group at a step, and its slope.
  ///
  /// `φ(t) = ½‖W + t·d‖² + C·Σℓ`. Where the bias is eliminated φ′ is the slope at fixed b, by the
  /// envelope theorem; where it is regularized it moves with the direction.
  ///
  /// - Parameter position: where the group's classes begin in the evaluation.
  private func measure(
    _ line: Line, _ group: Group, at t: Double, _ evaluation: LossEvaluation, from position: Int
  ) -> (value: Double, slope: Double) {
    var loss = 0.0
    var slope = 0.0
    for (offset, entry) in group.entries.enumerated() {
      loss += evaluation.loss[position + offset]
      slope +=
        evaluation.slope[position + offset]
        + line.biasDirection[entry] * evaluation.residual[position + offset]
    }
    let value =
      group.halfSquaredNorm + t * group.product + t * t / 2 * group.squaredLength
      + C * loss
    return (value, group.product + t * group.squaredLength + C * slope)
  }

  /// The sums at the groups' present steps, and the bias they were taken at.
  private func evaluate(
    _ line: Line, entries: [Int], steps: [Double], bias: [Double],
    _ elimination: inout BiasElimination
  ) throws -> (LossEvaluation, bias: [Double]) {
    var groupOf = [Int](repeating: 0, count: line.classes.count)
    for (g, group) in line.groups.enumerated() {
      for entry in group.entries { groupOf[entry] = g }
    }
    var request = LossEvaluation.Request(
      classes: entries.map { line.classes[$0] }, columns: entries,
      directionCount: line.classes.count, steps: entries.map { steps[groupOf[$0]] },
      bias: entries.map { bias[$0] })
    if eliminatesBias {
      let evaluation = try elimination.minimize(
        &request, allowed: entries.map { line.groups[groupOf[$0]].allowed })
      return (evaluation, request.bias)
    }
    request.bias = entries.map { line.bias[$0] + steps[groupOf[$0]] * line.biasDirection[$0] }
    return (try objective.evaluate(request), request.bias)
  }

  /// Narrows or widens the bracket by the point at `t`, and says where to look next.
  private static func nextStep(
    _ t: Double, slope: Double, isBelow: Bool, low: inout Side, high: inout Side?,
    repeats: inout Int
  ) -> Double {
    let last = low
    let hadHigh = high != nil
    if isBelow {
      low = Side(step: t, slope: slope)
      repeats = repeats > 0 ? repeats + 1 : 1
    } else {
      high = Side(step: t, slope: slope)
      repeats = repeats < 0 ? repeats - 1 : -1
    }
    guard let high else {
      // Still downhill: follow the secant, at least half as far again and at most ten times as far.
      let bend = (slope - last.slope) / (t - last.step)
      let step = bend > 0 ? t - slope / bend : .infinity
      return min(max(step, 1.5 * t), 10 * t)
    }
    let length = high.step - low.step
    // The secant's zero of φ′ (regula falsi), kept a hundredth of the bracket away from its ends. One end
    // that stays for three steps makes it slow, as at a kink of φ′: halve the bracket then.
    if !(high.slope > 0) || (hadHigh && abs(repeats) >= 3) { return low.step + length / 2 }
    let secant = low.step - low.slope * length / (high.slope - low.slope)
    return min(max(secant, low.step + 0.01 * length), high.step - 0.01 * length)
  }
}
