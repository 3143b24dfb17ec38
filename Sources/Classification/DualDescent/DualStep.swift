internal import Tensors

/// One class's part of a round: what is proved of it, and a better point.
struct DualStep: Sendable {
  /// What a class's point gives, as its owner keeps it: nothing that α does not say.
  struct Weights: Sendable {
    /// V, and V in single precision.
    var exact: [Double]
    var rounded: [Float]
    /// `‖rounded‖`, and `‖V − rounded‖`.
    var norm: Double
    var roundingNorm: Double
  }

  let working: WorkingRows
  /// What takes the place of features in sweeps, where there is room for it.
  let products: RowProducts?
  let options: TrainingOptions
  /// What is subtracted from rows where the bias is free, or zeros.
  let centre: [Double]
  /// The best bias without weights, and the losses there times C.
  let biasOnly: BiasOnlyModel
  let kernels: TrainingKernels

  private var C: Double { options.C }
  private var squaredCentre: Double { centre.reduce(0) { $0 + $1 * $1 } }
  /// The largest problem of finite Newton steps, which are cubic in its rows.
  private static let mostNewtonRows = 1500

  /// Looks at a class at its present weights, and improves them where that is not enough.
  ///
  /// - Parameters:
  ///   - k: the class.
  ///   - candidates: rows of the level that may be within the margin, ascending; all others are not.
  ///   - known: products of several classes, and which of them this is; nil to make them here.
  ///   - isLast: whether the level has all rows, so that what is found here is proved.
  ///   - mayImprove: whether not to leave it at looking.
  ///   - round: draws the order of visits.
  func take(
    _ k: Int, _ state: inout DualClass, _ weights: inout Weights, candidates: [Int],
    _ known: (logits: BatchLogits, index: Int)?, isLast: Bool, mayImprove: Bool, round: Int
  ) {
    var entries = entries(k, state, candidates: candidates)
    let before = state.measure
    let narrowBias = roundedBias(state, weights)
    // Both ways to store the classifier; a sample is never the last word.
    let narrow = weights.rounded.map(Double.init)
    let logits = logits(
      entries,
      isLast ? [(narrow, narrowBias), (weights.exact, state.bias)] : [(narrow, narrowBias)],
      known, areZero: weights.norm == 0)
    let rounded = measure(k, entries, narrow, narrowBias, logits[0], dual: weights.exact)
    let exact =
      isLast
      ? measure(k, entries, weights.exact, state.bias, logits[1], dual: weights.exact) : rounded
    (state.measure, state.storedBias, state.isWide) = (rounded, narrowBias, false)
    var isDone = isLast && rounded.gap <= options.tolerance * rounded.scale
    if isLast && !isDone && exact.gap <= options.tolerance * exact.scale
      && 4 * exact.gap < rounded.gap
    {
      // Single precision of the weights is all that is in the way.
      (state.measure, state.storedBias, state.isWide) = (exact, state.bias, true)
      isDone = true
    }
    let slacks = zip(entries, logits.last!).map { max(0, 1 - $0.sign * $1) }
    let looked = entries
    entries = zip(entries, slacks).filter { $0.alpha > 0 || $1 > 0 }.map(\.0)
    state.activeCount = entries.count
    if isDone {
      state.status = .done
      return
    }
    // A sample need not be solved better than it resembles the whole.
    let isGoodEnough = !isLast && state.measure.gap <= Self.levelRatio * state.measure.objective
    if !mayImprove || isGoodEnough { return }
    state.measure.gap = min(rounded.gap, exact.gap)
    if isLast && before.objective > 0 && state.measure.gap > 0.3 * before.gap {
      state.slowRounds += 1
    }
    // Newton steps know themselves who is within the margin.
    let takesNewton = state.slowRounds >= Self.patience && looked.count <= Self.mostNewtonRows
    improve(
      k, &state, &weights, takesNewton ? looked : entries, takesNewton: takesNewton, round: round)
  }

  /// The gap at which a sample has told what it can, relative to its objective.
  static let levelRatio = 0.2

  /// Rounds without much progress after which factorizations take over, and after which nothing does.
  private static let (patience, mostSlowRounds) = (2, 6)

  private func improve(
    _ k: Int, _ state: inout DualClass, _ weights: inout Weights,
    _ entries: [HingeSweeps.Entry], takesNewton: Bool, round: Int
  ) {
    var entries = entries
    var centredBias = state.bias
    for (j, m) in centre.enumerated() { centredBias += m * weights.exact[j] }
    if takesNewton {
      centredBias = newton(&entries, bias: centredBias)
    } else {
      var sweeps = HingeSweeps(
        cache: working.cache,
        // Where they lead no nearer their rounding may be in the way.
        products: state.slowRounds < Self.patience ? products : nil,
        regularizesBias: options.regularizesBias, squaredCentre: squaredCentre,
        seed: UInt64(k) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(round), weights: weights.exact,
        bias: centredBias)
      _ = sweeps.run(
        &entries,
        target: max(0.003 * state.measure.gap, options.tolerance / 3 * max(state.measure.scale, 0)))
      centredBias = sweeps.bias
    }
    if state.slowRounds >= Self.mostSlowRounds { state.status = .unsettled }
    entries.removeAll { $0.alpha <= 0 }
    if !options.regularizesBias { balance(&entries) }
    entries.removeAll { $0.alpha <= 0 }
    state.rows = entries.map(\.row)
    state.alphas = entries.map(\.alpha)
    weights = combine(entries)
    var product = 0.0
    for (j, m) in centre.enumerated() { product += m * weights.exact[j] }
    state.bias =
      options.regularizesBias
      ? entries.reduce(0) { $0 + $1.sign * $1.alpha } : centredBias - product
  }

  // MARK: Points

  /// The weights of a class as its state has them.
  ///
  /// - Precondition: the working rows hold its rows.
  func weights(_ k: Int, _ state: DualClass) -> Weights {
    combine(entries(k, state, candidates: []))
  }

  /// A class whose dual point is made of the residuals at some weights and bias.
  ///
  /// - Precondition: the working rows hold the candidates.
  func start(
    _ k: Int, _ state: DualClass, at weights: [Double], _ bias: Double, candidates: [Int]
  ) -> DualClass {
    var state = state
    var entries = entries(k, state, candidates: candidates)
    for (i, entry) in entries.enumerated() {
      let logit = working.cache.dot(entry.slot, weights) * entry.scale + bias
      entries[i].alpha = 2 * entry.cost * max(0, 1 - entry.sign * logit)
    }
    if !options.regularizesBias { balance(&entries) }
    entries.removeAll { $0.alpha <= 0 }
    (state.rows, state.alphas) = (entries.map(\.row), entries.map(\.alpha))
    state.bias =
      options.regularizesBias ? entries.reduce(0) { $0 + $1.sign * $1.alpha } : bias
    return state
  }

  /// `V = Σ α·y·x`, in the order of the rows.
  private func combine(_ entries: [HingeSweeps.Entry]) -> Weights {
    var exact = [Double](repeating: 0, count: centre.count)
    working.cache.add(
      entries.map(\.slot), times: entries.map { $0.sign * $0.alpha * $0.scale }, to: &exact)
    let rounded = exact.map(Float.init)
    var (squared, difference) = (0.0, 0.0)
    for (v, w) in zip(exact, rounded) {
      squared += Double(w) * Double(w)
      difference += (v - Double(w)) * (v - Double(w))
    }
    return Weights(
      exact: exact, rounded: rounded, norm: squared.squareRoot(),
      roundingNorm: difference.squareRoot())
  }

  /// The best bias in single precision for the rounded weights: what rounding does to the products with
  /// the rows' mean is the same for all rows, and the bias can make up for it.
  func roundedBias(_ state: DualClass, _ weights: Weights) -> Double {
    var bias = state.bias
    for (j, m) in centre.enumerated() {
      bias += (weights.exact[j] - Double(weights.rounded[j])) * m
    }
    return Double(Float(bias))
  }

  /// Scales down the heavier side until `Σ α·y = 0`.
  private func balance(_ entries: inout [HingeSweeps.Entry]) {
    var (own, other) = (0.0, 0.0)
    for entry in entries {
      if entry.sign > 0 { own += entry.alpha } else { other += entry.alpha }
    }
    let (ofOwn, ofOther) = (own > other ? other / own : 1, other > own ? own / other : 1)
    for i in entries.indices { entries[i].alpha *= entries[i].sign > 0 ? ofOwn : ofOther }
  }

  /// Candidates and rows with α > 0, ascending.
  private func entries(
    _ k: Int, _ state: DualClass, candidates: [Int]
  ) -> [HingeSweeps.Entry] {
    var entries: [HingeSweeps.Entry] = []
    entries.reserveCapacity(candidates.count + 16)
    var next = 0
    func append(_ row: Int, _ alpha: Double) {
      let slot = working.slot(of: row)
      let facts = working.facts(slot)
      entries.append(
        HingeSweeps.Entry(
          slot: slot, place: products?.position(of: row) ?? -1, row: row,
          sign: facts.label == k ? 1 : -1, cost: C * facts.weight,
          scale: facts.scale, squaredNorm: facts.squaredNorm, centreProduct: facts.centreProduct,
          alpha: alpha))
    }
    for row in candidates {
      while next < state.rows.count && state.rows[next] < row {
        append(state.rows[next], state.alphas[next])
        next += 1
      }
      if next < state.rows.count && state.rows[next] == row {
        append(row, state.alphas[next])
        next += 1
      } else {
        append(row, 0)
      }
    }
    while next < state.rows.count {
      append(state.rows[next], state.alphas[next])
      next += 1
    }
    return entries
  }

  // MARK: Proof

  /// The entries' logits at the rounded weights and, if asked for, the exact ones, each row read once.
  private func logits(
    _ entries: [HingeSweeps.Entry], _ points: [(weights: [Double], bias: Double)],
    _ known: (logits: BatchLogits, index: Int)?, areZero: Bool
  ) -> [[Double]] {
    var logits = points.map { [Double](repeating: $0.bias, count: entries.count) }
    if areZero { return logits }
    if let known {
      for (i, entry) in entries.enumerated() {
        let products = known.logits.products(row: entry.row, class: known.index)
        logits[0][i] += products.rounded * entry.scale
        if points.count > 1 { logits[1][i] += products.exact * entry.scale }
      }
      return logits
    }
    for (i, entry) in entries.enumerated() {
      for (p, point) in points.enumerated() {
        logits[p][i] += working.cache.dot(entry.slot, point.weights) * entry.scale
      }
    }
    return logits
  }

  /// Objective, gap and gain of weights and bias, beside the dual point; in double precision.
  ///
  /// A row that is no entry has α = 0 and is outside the margin: it adds nothing to either.
  private func measure(
    _ k: Int, _ entries: [HingeSweeps.Entry], _ primal: [Double], _ bias: Double,
    _ logits: [Double], dual: [Double]
  ) -> DualClass.Measure {
    let only = biasOnly.bias[k]
    var (losses, duality, ofBiasOnly, signedSum) = (0.0, 0.0, 0.0, 0.0)
    for (entry, logit) in zip(entries, logits) {
      let (alpha, margin) = (entry.alpha, entry.sign * logit)
      let slack = max(0, 1 - margin)
      losses += entry.cost * slack * slack
      if slack > 0 {
        let difference = alpha / (2 * entry.cost) - slack
        duality += entry.cost * difference * difference
      } else {
        duality += alpha * (alpha / (4 * entry.cost) + (margin - 1))
      }
      ofBiasOnly += alpha * (alpha / (4 * entry.cost) - (1 - entry.sign * only))
      signedSum += entry.sign * alpha
    }
    var (norm, difference, dualNorm) = (0.0, 0.0, 0.0)
    for (w, v) in zip(primal, dual) {
      norm += w * w
      difference += (w - v) * (w - v)
      dualNorm += v * v
    }
    var lossesOfBiasOnly = biasOnly.values[k]
    if options.regularizesBias {
      norm += bias * bias
      difference += (bias - signedSum) * (bias - signedSum)
      dualNorm += signedSum * signedSum
    } else {
      duality += abs(bias * signedSum)
      lossesOfBiasOnly -= abs(only * signedSum)
    }
    let objective = norm / 2 + losses
    return DualClass.Measure(
      objective: objective, gap: min(max(0, duality + difference / 2), objective),
      gain: max(0, lossesOfBiasOnly + ofBiasOnly + dualNorm / 2), squaredDifference: difference)
  }
}
