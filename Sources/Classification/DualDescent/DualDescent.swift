internal import Communication
internal import Tensors

/// Trains the squared hinge by coordinate descent in the dual, each class on the few rows that matter.
///
/// At the optimum a few hundred rows are within a class's margin. A round multiplies all rows with the
/// weights of all unfinished classes, once and in single precision, to find them (`RowScreen`); then
/// each class's owner, one rank, proves how far the class is from its optimum and improves it on those
/// rows alone (`DualStep`). What decides the bytes is a class's owner's arithmetic, in an order that
/// has nothing to do with ranks and threads. The first rounds look at a sample of the rows.
struct DualDescent {
  let shared: DualRows
  let options: TrainingOptions
  let phase: Checkpointer.Phase
  /// Whether to go on whatever other ways there are.
  let isPatient: Bool
  /// Whether to go on where lists of rows are long, too.
  let takesLongLists: Bool
  let progress: (TrainingProgress) -> Void
  let step: DualStep
  let biasOnly: BiasOnlyModel

  /// - Parameter phase: which part of a training this is, for checkpoints.
  init(
    _ shared: DualRows, _ options: TrainingOptions, phase: Checkpointer.Phase,
    isPatient: Bool = false, takesLongLists: Bool = false,
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) {
    (self.shared, self.options) = (shared, options)
    (self.phase, self.isPatient, self.progress) = (phase, isPatient, progress)
    self.takesLongLists = takesLongLists || isPatient
    biasOnly = BiasOnlyModel(
      loss: options.loss, classMasses: shared.rows.classMasses, C: options.C,
      regularizesBias: options.regularizesBias)
    step = DualStep(
      working: shared.working, products: shared.products, options: options, centre: shared.centre,
      biasOnly: biasOnly, kernels: shared.context.kernels)
  }

  var rows: LocalRows { shared.rows }
  var context: TrainingContext { shared.context }
  var screen: RowScreen { shared.screen }
  var working: WorkingRows { shared.working }
  var communicator: any Communicator { context.communicator }
  var classCount: Int { rows.classCount }

  /// Runs until all classes are within the tolerance, or no round is left. Collective.
  ///
  /// - Parameter start: where to begin; nil for zero weights.
  /// - Returns: nil where other ways are better: so many rows are within the margin that lists of them
  ///   save nothing, or a class does not settle.
  func solve(from start: LBFGSSolver.Point? = nil) throws -> Solution? {
    guard let (state, weights) = try run(from: start.map { .primal($0) } ?? .zero) else {
      return nil
    }
    return try solution(state, weights)
  }

  /// Whether options ask for it.
  static func isMeant(for options: TrainingOptions) -> Bool {
    options.loss.function.usesFiniteNewton
      && (options.method == .automatic || options.method == .dual)
  }

  /// Where to begin.
  enum Start {
    case zero
    case primal(LBFGSSolver.Point)
    /// Where an earlier training of the same rows, with another C, has ended.
    case dual(DualState)
  }

  /// - Returns: the state, and the weights of this rank's own classes.
  func run(from start: Start) throws -> (DualState, [Int: DualStep.Weights])? {
    if hasSmallC && !isPatient { return nil }
    let found = try context.checkpointer?.resume(phase) { record in
      try DualState(
        record, classCount: classCount, rowCount: rows.source.rowCount,
        levelCount: screen.levels.count)
    }
    var state = try found ?? begin(start)
    var weights = try makeWeights(state)
    while true {
      try context.checkpointer?.pause(phase) { state.record }
      let isEnd = state.rounds >= options.maximumIterations
      if !(try advance(&state, &weights)) { return nil }
      if isUnsettled(state) { return nil }
      if isEnd || state.open.isEmpty { return (state, weights) }
      if isCrowded(state) { return nil }
    }
  }

  /// One round, and what follows from it. Collective.
  ///
  /// - Returns: false where it was not worth while to begin: lists of rows are about as long as all rows.
  func advance(
    _ state: inout DualState, _ weights: inout [Int: DualStep.Weights]
  ) throws -> Bool {
    let last = screen.levels.count - 1
    let isEnd = state.rounds >= options.maximumIterations
    if isEnd { state.level = last }
    let isLast = state.level == last
    // The first lists of all rows are some three times as long as those at the end.
    let most = isLast && !isEnd && !takesLongLists ? 0.6 : 1
    if !(try round(&state, &weights, isLast: isLast, mayImprove: !isEnd, mostCandidates: most)) {
      return false
    }
    if !isEnd { state.rounds += 1 }
    state.roundsOfLevel += 1
    if isLast { state.passes += 1 }
    report(state, isLast: isLast)
    let isSampleDone = state.open.allSatisfy {
      let measure = state.classes[$0].measure
      return measure.gap <= DualStep.levelRatio * measure.objective
    }
    if !isLast && (isSampleDone || state.roundsOfLevel >= Self.mostRoundsOfLevel) {
      state.level += 1
      state.roundsOfLevel = 0
    }
    return true
  }

  /// Whether C is so small that no row gets out of the margin: then one quadratic problem is all.
  ///
  /// Without weights slacks are about twice the share of the class's rows n among all N, and four times
  /// that for these; weights, at most `2C·Σ slack·‖x‖`, change them by less where `4C·N·‖x‖² < 1`.
  private var hasSmallC: Bool { 4 * options.C * rows.mass * shared.moments.variance < 1 }

  /// Rounds after which a sample has told enough.
  private static let mostRoundsOfLevel = 8

  private func isUnsettled(_ state: DualState) -> Bool {
    state.classes.contains { $0.status == .unsettled }
  }

  /// Whether lists of rows are about as long as all rows: small C, where passes over the features are
  /// few.
  private func isCrowded(_ state: DualState) -> Bool {
    // Before the first sweep all rows are within the margin.
    if takesLongLists || state.rounds < 2 { return false }
    let open = state.open
    let active = open.reduce(0) { $0 + state.classes[$1].activeCount }
    let rowCount = shared.sampleCounts[state.level]
    // Fewer rows than features can be told apart so well that most of them matter.
    let levelsAbove = screen.levels.count - 1 - state.level
    let share = levelsAbove == 0 ? 0.4 : levelsAbove == 1 ? 0.5 : 0.85
    return Double(active) > share * Double(rowCount * open.count)
  }

  private func report(_ state: DualState, isLast: Bool) {
    if !isLast { return }
    let (gap, objective, gain) = state.classes.reduce((0.0, 0.0, 0.0)) {
      ($0.0 + $1.measure.gap, $0.1 + $1.measure.objective, $0.2 + $1.measure.gain)
    }
    progress(
      TrainingProgress(
        iteration: state.rounds, passes: state.passes, objective: objective,
        relativeGap: min(1, gap / max(min(objective, gain), .leastNormalMagnitude))))
  }
}
