/// Finds how far to go along a direction, for every group of classes at once.
///
/// A group is what shares a step: all classes for softmax, each class for a separable loss. Along
/// the line `φ(t) = min_b P(W + t·d, b)` is convex; the search stops where its slope is small
/// against the slope at the start and φ has not risen. It needs no product with the features.
struct LineSearch {
  /// What is known of a line before the search.
  struct Line {
    /// The classes of the direction, and the ranges of them that share a step.
    var classes: [Int]
    var groups: [Range<Int>]
    /// The bias at the start, for each of `classes`, and how the direction moves it (zeros when the
    /// bias is eliminated).
    var bias: [Double]
    var biasDirection: [Double]
    /// For each group: `½‖W‖²`, `W·d`, `‖d‖²`, the objective and its slope at the start, and the
    /// first step to try.
    var halfSquaredNorms: [Double]
    var products: [Double]
    var squaredLengths: [Double]
    var values: [Double]
    var slopes: [Double]
    var firstSteps: [Double]
    /// For each group, how exactly the bias must be solved for.
    var allowed: [Double]
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
  }

  /// One side of the bracket.
  private struct Side {
    var step: Double
    var slope: Double
  }

  let objective: Objective
  let C: Double
  let eliminatesBias: Bool
  /// The slope, relative to that at the start, that is small enough.
  let slopeRatio: Double

  func search(_ line: Line, _ elimination: inout BiasElimination) throws -> End {
    let count = line.classes.count
    var end = End(
      steps: [Double](repeating: 0, count: count), bias: line.bias,
      loss: [Double](repeating: 0, count: count), residual: [Double](repeating: 0, count: count),
      values: line.values, hasMoved: line.groups.map { _ in false })
    var low = line.slopes.map { Side(step: 0, slope: $0) }
    var high = [Side?](repeating: nil, count: line.groups.count)
    var repeats = [Int](repeating: 0, count: line.groups.count)
    var steps = line.firstSteps
    var bias = line.bias
    var pending = Array(line.groups.indices)

    for trial in 1...30 where !pending.isEmpty {
      let entries = pending.flatMap { Array(line.groups[$0]) }
      let (evaluation, solved) = try evaluate(
        line, entries: entries, steps: steps, bias: bias, &elimination)
      var position = 0
      var next: [Int] = []
      for g in pending {
        let group = line.groups[g]
        let t = steps[g]
        var loss = 0.0
        var slope = 0.0
        for (offset, entry) in group.enumerated() {
          loss += evaluation.loss[position + offset]
          slope +=
            evaluation.slope[position + offset]
            + line.biasDirection[entry] * evaluation.residual[position + offset]
        }
        let value =
          line.halfSquaredNorms[g] + t * line.products[g] + t * t / 2 * line.squaredLengths[g]
          + C * loss
        slope = line.products[g] + t * line.squaredLengths[g] + C * slope
        let noise = 1e-14 * abs(line.values[g])
        let hasRisen = !(value <= line.values[g] + noise) || !slope.isFinite
        let isBelow = slope < 0 && !hasRisen

        if !hasRisen && (isBelow || abs(slope) <= slopeRatio * abs(line.slopes[g])) {
          // The best so far: along a convex line, every step further with a negative slope is.
          for (offset, entry) in group.enumerated() {
            end.steps[entry] = t
            end.bias[entry] = solved[position + offset]
            end.loss[entry] = evaluation.loss[position + offset]
            end.residual[entry] = evaluation.residual[position + offset]
          }
          end.values[g] = value
          end.hasMoved[g] = true
        }
        if hasRisen || abs(slope) > slopeRatio * abs(line.slopes[g]) {
          steps[g] = Self.nextStep(
            t, slope: slope.isFinite && !hasRisen ? slope : max(slope, 0), isBelow: isBelow,
            low: &low[g], high: &high[g], repeats: &repeats[g])
          if trial < 30 { next.append(g) }
        }
        for (offset, entry) in group.enumerated() where solved[position + offset].isFinite {
          bias[entry] = solved[position + offset]
        }
        position += group.count
      }
      pending = next
    }
    return end
  }

  /// The sums at the groups' present steps, and the bias they were taken at.
  private func evaluate(
    _ line: Line, entries: [Int], steps: [Double], bias: [Double],
    _ elimination: inout BiasElimination
  ) throws -> (LossEvaluation, bias: [Double]) {
    var groupOf = [Int](repeating: 0, count: line.classes.count)
    for (g, group) in line.groups.enumerated() {
      for entry in group { groupOf[entry] = g }
    }
    var request = LossEvaluation.Request(
      classes: entries.map { line.classes[$0] }, columns: entries,
      directionCount: line.classes.count, steps: entries.map { steps[groupOf[$0]] },
      bias: entries.map { bias[$0] })
    if eliminatesBias {
      let evaluation = try elimination.minimize(
        &request, allowed: entries.map { line.allowed[groupOf[$0]] })
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
      // Still downhill: follow the secant, at most ten times as far.
      let bend = (slope - last.slope) / (t - last.step)
      let step = bend > 0 ? t - slope / bend : .infinity
      return min(max(step, 1.5 * t), 10 * t)
    }
    let length = high.step - low.step
    if !(high.slope > 0) || (hadHigh && abs(repeats) >= 3) { return low.step + length / 2 }
    let secant = low.step - low.slope * length / (high.slope - low.slope)
    return min(max(secant, low.step + 0.01 * length), high.step - 0.01 * length)
  }
}
