internal import Communication
internal import Tensors

/// One round: find rows, look at each class and improve it, tell all ranks.
extension DualDescent {
  /// The classes that this rank owns.
  func isOwn(_ k: Int) -> Bool { k % communicator.size == communicator.rank }

  /// Collective.
  ///
  /// - Parameter mostCandidates: the share of a level's rows that classes may be given on average.
  /// - Returns: false where they would be given more, and nothing was done.
  func round(
    _ state: inout DualState, _ weights: inout [Int: DualStep.Weights], isLast: Bool,
    mayImprove: Bool, mostCandidates: Double
  ) throws -> Bool {
    let open = state.open
    let (candidates, count) = try candidates(state, open, weights)
    let rowCount = Double(shared.sampleCounts[state.level] * open.count)
    if Double(count) > mostCandidates * rowCount { return false }
    let (step, number) = (step, state.rounds)
    var changed: [Int: DualClass] = [:]
    let own = open.filter(isOwn)
    let isDense = BatchLogits.isWorthwhile(
      candidateCount: count, rowCount: shared.sampleCounts[state.level], classCount: open.count)
    try inBatches(own, own.map { candidates[$0]! + state.classes[$0].rows }) { batch in
      let points = batch.map { (state.classes[$0], weights[$0]!) }
      let logits =
        isDense
        ? BatchLogits(
          batch.map { candidates[$0]! + state.classes[$0].rows }, points.map(\.1), working,
          context.team) : nil
      let results = context.team.map(batch.count) { i, _ in
        var (one, point) = points[i]
        step.take(
          batch[i], &one, &point, candidates: candidates[batch[i]]!,
          logits.map { ($0, i) }, isLast: isLast, mayImprove: mayImprove, round: number)
        return (one, point)
      }
      for (k, (one, point)) in zip(batch, results) {
        changed[k] = one
        weights[k] = point
      }
    }
    try share(changed, &state)
    return true
  }

  /// Reads the rows that classes need and calls `body`, with as many classes at once as fit. Collective.
  private func inBatches(
    _ classes: [Int], _ rowsOfClass: [[Int]], _ body: ([Int]) throws -> Void
  ) throws {
    var (batch, needed): ([Int], [Int]) = ([], [])
    var missing = 0
    func run() throws {
      try rows.source.bring(
        SelectedRows.runs(working.missing(needed)), stays: false, communicator)
      try working.require(needed)
      try body(batch)
      (batch, needed, missing) = ([], [], 0)
    }
    for (k, own) in zip(classes, rowsOfClass) {
      missing += working.missingCount(own)
      if working.count + missing > working.mostRows {
        if !batch.isEmpty { try run() }
        working.removeAll()
        missing = own.count
      }
      batch.append(k)
      needed += own
    }
    if !batch.isEmpty { try run() }
    try rows.source.endBringing(communicator)
  }

  // MARK: Rows

  /// For each own open class the rows of the level that may be within the margin, and how many they are
  /// for all classes; 0 before there are weights. Collective.
  private func candidates(
    _ state: DualState, _ open: [Int], _ weights: [Int: DualStep.Weights]
  ) throws -> (lists: [Int: [Int]], count: Int) {
    let own = open.filter(isOwn)
    if open.allSatisfy({ state.classes[$0].rows.isEmpty }) {
      // Without weights every row is within the margin, or on it.
      let parts = try communicator.gatherAll(NumberBytes.bytes(screen.rows(level: state.level)))
      let all: [Int] = parts.flatMap { NumberBytes.numbers($0) as [Int] }.sorted()
      return (Dictionary(uniqueKeysWithValues: own.map { ($0, all) }), 0)
    }
    var floats: [Float] = []
    var numbers: [Double] = []
    for k in own {
      let rounded = step.roundedBias(state.classes[k], weights[k]!)
      floats += weights[k]!.rounded
      numbers += [
        rounded, weights[k]!.norm, weights[k]!.roundingNorm, abs(rounded - state.classes[k].bias),
      ]
    }
    let allFloats = try communicator.gatherAll(NumberBytes.bytes(floats)).map {
      NumberBytes.numbers($0) as [Float]
    }
    let allNumbers = try communicator.gatherAll(NumberBytes.bytes(numbers)).map {
      NumberBytes.numbers($0) as [Double]
    }
    var positions = [Int](repeating: 0, count: communicator.size)
    let width = rows.width
    let points = open.map { k -> RowScreen.Weights in
      let owner = k % communicator.size
      let (i, n) = (positions[owner], allNumbers[owner])
      positions[owner] += 1
      return RowScreen.Weights(
        k: k, weights: Array(allFloats[owner][i * width..<(i + 1) * width]), bias: n[4 * i],
        norm: n[4 * i + 1], roundingNorm: n[4 * i + 2], biasReach: n[4 * i + 3])
    }
    return try exchange(screen.candidates(level: state.level, points), of: open)
  }

  /// Gives every class's owner the rows that each rank found for it, and every rank the number of all.
  /// Collective.
  ///
  /// - Parameter found: for each of `classes` this rank's.
  func exchange(
    _ found: [[Int]], of classes: [Int]
  ) throws -> (lists: [Int: [Int]], count: Int) {
    let lists = found.map { [$0.count] + $0 }.flatMap { $0 }
    var result: [Int: [Int]] = [:]
    var total = 0
    for k in classes where isOwn(k) { result[k] = [] }
    for part in try communicator.gatherAll(NumberBytes.bytes(lists)) {
      let numbers: [Int] = NumberBytes.numbers(part)
      var next = 0
      for k in classes {
        let count = numbers[next]
        if isOwn(k) { result[k]! += numbers[next + 1..<next + 1 + count] }
        next += 1 + count
        total += count
      }
    }
    // Of rows, whichever rank has which.
    for k in result.keys { result[k]!.sort() }
    return (result, total)
  }

  // MARK: Points

  /// Gives every rank the classes that each has changed. Collective.
  func share(_ changed: [Int: DualClass], _ state: inout DualState) throws {
    var (counts, numbers): ([Int], [Double]) = ([], [])
    for (k, one) in changed.sorted(by: { $0.key < $1.key }) {
      counts += [k, one.rows.count] + one.rows
      numbers += one.numbers + one.alphas
    }
    let allCounts = try communicator.gatherAll(NumberBytes.bytes(counts))
    let allNumbers = try communicator.gatherAll(NumberBytes.bytes(numbers))
    for (part, other) in zip(allCounts, allNumbers) {
      let (counts, numbers): ([Int], [Double]) = (
        NumberBytes.numbers(part), NumberBytes.numbers(other)
      )
      var (next, place) = (0, 0)
      while next < counts.count {
        let (k, count) = (counts[next], counts[next + 1])
        let alphas = place + DualClass.numberCount
        guard
          let one = DualClass(
            numbers: numbers[place..<alphas], rows: counts[next + 2..<next + 2 + count],
            alphas: numbers[alphas..<alphas + count])
        else { preconditionFailure("a class that no rank has sent") }
        state.classes[k] = one
        next += 2 + count
        place = alphas + count
      }
    }
    state.reflect()
  }

  /// The weights of this rank's classes, as their states have them.
  func makeWeights(_ state: DualState) throws -> [Int: DualStep.Weights] {
    let step = step
    var weights: [Int: DualStep.Weights] = [:]
    let own = (0..<state.solvedCount).filter(isOwn)
    try inBatches(own, own.map { state.classes[$0].rows }) { batch in
      let points = batch.map { state.classes[$0] }
      let made = context.team.map(batch.count) { i, _ in step.weights(batch[i], points[i]) }
      for (k, one) in zip(batch, made) { weights[k] = one }
    }
    return weights
  }

  /// The state before the first round. Collective.
  func begin(_ start: Start) throws -> DualState {
    var state = DualState(
      classes: (0..<classCount).map {
        DualClass(bias: options.regularizesBias ? 0 : biasOnly.bias[$0])
      })
    switch start {
    case .zero: return state
    case .dual(let previous):
      state.level = screen.levels.count - 1
      for k in 0..<classCount {
        state.classes[k].rows = previous.classes[k].rows
        state.classes[k].alphas = previous.classes[k].alphas
        state.classes[k].bias = previous.classes[k].bias
      }
      return state
    case .primal(let point):
      state.level = screen.levels.count - 1
      try begin(&state, at: point)
      return state
    }
  }

  /// Takes as the dual point the residuals at weights and bias.
  private func begin(_ state: inout DualState, at point: LBFGSSolver.Point) throws {
    let width = rows.width
    let points = (0..<state.solvedCount).map { k in
      let weights = point.weights[k * width..<(k + 1) * width].map(Float.init)
      let norm = weights.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      // Weights of doubles are within this of the rounded ones.
      return RowScreen.Weights(
        k: k, weights: weights, bias: point.bias[k], norm: norm, roundingNorm: norm * 0x1p-23,
        biasReach: 0)
    }
    let all = Array(0..<state.solvedCount)
    let candidates = try exchange(
      screen.candidates(level: state.level, points), of: all
    ).lists
    let step = step
    var changed: [Int: DualClass] = [:]
    let own = all.filter(isOwn)
    try inBatches(own, own.map { candidates[$0]! }) { batch in
      let before = batch.map { state.classes[$0] }
      let made = context.team.map(batch.count) { i, _ in
        let k = batch[i]
        return step.start(
          k, before[i], at: Array(point.weights[k * width..<(k + 1) * width]), point.bias[k],
          candidates: candidates[k]!)
      }
      for (k, one) in zip(batch, made) { changed[k] = one }
    }
    try share(changed, &state)
  }

  // MARK: Ends

  /// Weights and certificate of a state. Collective.
  func solution(_ state: DualState, _ weights: [Int: DualStep.Weights]) throws -> Solution {
    let own = (0..<state.solvedCount).filter(isOwn)
    let numbers = own.flatMap { k in
      state.classes[k].isWide ? weights[k]!.exact : weights[k]!.rounded.map(Double.init)
    }
    let parts = try communicator.gatherAll(NumberBytes.bytes(numbers)).map {
      NumberBytes.numbers($0) as [Double]
    }
    let width = rows.width
    var all = (0..<state.solvedCount).flatMap { k in
      let i = k / communicator.size
      return parts[k % communicator.size][i * width..<(i + 1) * width]
    }
    if state.solvedCount < classCount { all += all.map { -$0 } }
    var total = DualClass.Measure()
    var floor = 0.0
    for (k, one) in state.classes.enumerated() {
      total.objective += one.measure.objective
      total.gap += one.measure.gap
      total.gain += one.measure.gain
      total.squaredDifference += one.measure.squaredDifference
      floor += rows.gapFloor(
        C: options.C, massBound: one.alphas.reduce(0, +) / options.C,
        squaredNorm: all[k * width..<(k + 1) * width].reduce(0) { $0 + $1 * $1 })
    }
    if !total.objective.isFinite || !total.gap.isFinite || !total.gain.isFinite {
      throw ClassificationError.saturated("losses")
    }
    let reference = options.C * shared.moments.referenceNorm
    let certificate = Certificate(
      objective: total.objective, gap: total.gap, gain: total.gain,
      relativeGradient: reference > 0 ? total.squaredDifference.squareRoot() / reference : 0)
    return Solution(
      weights: all, bias: state.classes.map(\.storedBias), certificate: certificate,
      iterations: state.rounds, passes: state.passes,
      isConverged: certificate.isConverged(tolerance: options.tolerance, floor: floor))
  }
}
