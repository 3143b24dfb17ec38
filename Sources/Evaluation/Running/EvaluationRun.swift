internal import Classification
internal import Communication
internal import Files
internal import Tensors

/// One run of an evaluation on all ranks.
///
/// The work goes in rounds. In each the ranks share out the trainings that are left; at its end rank 0
/// gathers what was done and keeps it in a file, and all ranks decide alike whether to go on. Rounds
/// are long beside a training, so that little is lost on waiting at their ends.
final class EvaluationRun {
  private let plan: SplitPlan
  private let tasks: [EvaluationTask]
  private let identity: EvaluationIdentity
  private let communicator: any Communicator
  private let team: ThreadTeam
  private let keeping: EvaluationKeeping
  private let stop: StopRequest
  private let file: ProgressFile?
  /// The files of the stores.
  private let inputs: [InputFile]
  /// Whether ranks compute by different kernels: then each training is shared by all, by the lowest.
  private let mustShare: Bool

  /// On rank 0.
  private var outcomes: [Outcome?]
  /// On every rank.
  private var isDone: [Bool]
  /// Whether this run goes on where another stopped.
  private(set) var continues = false
  /// The longest training of this run on any rank.
  private var longest = Duration.zero
  private var lastWrite = ContinuousClock.now
  private var writeTime = Duration.zero
  private let pace: EvaluationPace

  /// Above so many training values a training is shared by all ranks: 16 GiB of rows.
  private static let largestOfOneRank = 1 << 32
  /// The least time between two writes of the file that nobody asked for.
  private static let writeInterval = Duration.seconds(10)

  init(
    _ plan: SplitPlan, _ tasks: [EvaluationTask], identity: EvaluationIdentity,
    inputs: [InputFile], mustShare: Bool, communicator: any Communicator, team: ThreadTeam,
    keeping: EvaluationKeeping
  ) {
    (self.plan, self.tasks, self.identity) = (plan, tasks, identity)
    (self.communicator, self.team, self.keeping) = (communicator, team, keeping)
    (self.inputs, self.mustShare) = (inputs, mustShare)
    stop = StopRequest(keeping)
    file = keeping.folder.map { ProgressFile(folder: $0) }
    outcomes = [Outcome?](repeating: nil, count: tasks.count)
    isDone = [Bool](repeating: false, count: tasks.count)
    pace = EvaluationPace(tasks, plan)
  }

  /// Does all that is left. Collective.
  ///
  /// - Returns: every training's outcome on rank 0, nil elsewhere.
  /// - Throws: `EvaluationStopped`, on every rank; `JobFailure`.
  func run(progress: @escaping @Sendable (EvaluationProgress) -> Void) throws -> [Outcome]? {
    try restore()
    while isDone.contains(false) {
      let left = tasks.filter { !isDone[$0.number] }
      pace.begin(isDone, ranks: isShared(left) ? 1 : communicator.size)
      let finished =
        try isShared(left)
        ? runTogether(left, progress)
        : communicator.agree { try runOwn(left, progress) }
      let reason = try endRound(finished)
      try keep(isStopping: reason != nil)
      if let reason, isDone.contains(false) {
        throw EvaluationStopped(
          reason: reason, done: isDone.count { $0 }, total: tasks.count)
      }
    }
    return communicator.isRoot ? outcomes.map { $0! } : nil
  }

  // MARK: Between rounds

  /// Takes up what an earlier run has done. Collective.
  private func restore() throws {
    let found = try communicator.agree { () throws -> [Outcome]? in
      guard communicator.isRoot, let folder = keeping.folder, let file else { return nil }
      do {
        let found = try file.load(
          of: identity, taskCount: tasks.count, classCount: plan.classes.count)
        if let found { return found }
      } catch  where keeping.replacesOthers {}
      // Before the first training: from now on the folder is this evaluation's.
      try ResultsFolder(folder).removeUnfinished()
      try file.save([], of: identity)
      return nil
    }
    for outcome in found ?? [] {
      outcomes[outcome.task] = outcome
      isDone[outcome.task] = true
    }
    var flags = isDone.map { Int64($0 ? 1 : 0) } + [found == nil ? 0 : 1]
    try communicator.allreduce(&flags, .maximum)
    continues = flags.removeLast() == 1
    isDone = flags.map { $0 == 1 }
  }

  /// Gathers what was done in a round on rank 0. Collective.
  ///
  /// - Returns: why to stop, the same on every rank whether nil or not.
  private func endRound(_ finished: [Outcome]) throws -> String? {
    let gathered = try communicator.gather(try Outcome.encoded(finished), root: 0)
    for part in gathered {
      for outcome in try Outcome.decoded(part) {
        // Ranks that trained together have each tested a part of the rows. Counts are whole numbers,
        // so the order of the parts does not matter.
        outcomes[outcome.task] = outcomes[outcome.task]?.adding(outcome) ?? outcome
      }
    }
    for outcome in finished { isDone[outcome.task] = true }
    let reason = stop.reason
    var shared = isDone.map { Int64($0 ? 1 : 0) }
    shared += [reason == nil ? 0 : 1, Int64((longest / .milliseconds(1)).rounded())]
    try communicator.allreduce(&shared, .maximum)
    longest = .milliseconds(shared.removeLast())
    let isStopping = shared.removeLast() == 1
    isDone = shared.map { $0 == 1 }
    return isStopping ? reason ?? "asked for on another rank" : nil
  }

  /// Writes what is done where it is time. Collective.
  ///
  /// - Throws: `JobFailure` when the file cannot be written and the run stops, or when a store has
  ///   changed: what was trained on it then is of no evaluation.
  private func keep(isStopping: Bool) throws {
    try communicator.agree {
      try inputs.requireUnchanged()
      guard communicator.isRoot, let file, isDone.contains(false) else { return }
      // A large file is written the less often.
      let interval = max(Self.writeInterval, writeTime * 20)
      guard isStopping || ContinuousClock.now - lastWrite >= interval else { return }
      do {
        let start = ContinuousClock.now
        try file.save(outcomes.compactMap { $0 }, of: identity)
        (lastWrite, writeTime) = (.now, .now - start)
      } catch  where !isStopping {
        keeping.warn("evaluation goes on without keeping what is done: \(error)")
      }
    }
  }

  // MARK: Trainings

  /// Whether all ranks work on each training together: where there are too few for all ranks, or
  /// one has too many rows for a rank's memory. The same on every rank: else some would wait for
  /// others for ever.
  private func isShared(_ left: [EvaluationTask]) -> Bool {
    if communicator.size == 1 { return false }
    return mustShare || left.count < communicator.size
      || pace.largestTrainingValues > Self.largestOfOneRank
  }

  /// How long a round begins trainings: a thread that waits at its end does so for one of them.
  private var roundLength: Duration {
    max(min(max(longest * 20, .seconds(5)), .seconds(60)), longest * 2)
  }

  /// A round of trainings by all ranks together.
  private func runTogether(
    _ left: [EvaluationTask], _ progress: (EvaluationProgress) -> Void
  ) throws -> [Outcome] {
    let end = ContinuousClock.now + roundLength
    let attempt = attempt
    var finished: [Outcome] = []
    for (index, task) in left.enumerated() {
      // Something is done in every run, be its time limit ever so short.
      var isOver = [Int64(index > 0 && (stop.reason != nil || .now >= end) ? 1 : 0)]
      try communicator.allreduce(&isOver, .maximum)
      if isOver[0] == 1 { break }
      guard let outcome = try attempt.run(task, communicator, team) else { break }
      longest = max(longest, outcome.time)
      finished.append(outcome.outcome)
      progress(pace.finished(task))
    }
    return finished
  }

  /// This rank's share of a round, each training by itself.
  private func runOwn(
    _ left: [EvaluationTask], _ progress: @escaping @Sendable (EvaluationProgress) -> Void
  ) throws -> [Outcome] {
    // The largest first and dealt out in turn: shares of about the same work. The number decides
    // between equals, so that ranks, which sort by themselves, agree on who has which.
    let sorted = left.sorted { (-pace.cost($0), $0.number) < (-pace.cost($1), $1.number) }
    let own = sorted.indices.filter { $0 % communicator.size == communicator.rank }
      .map { sorted[$0] }
    let end = ContinuousClock.now + roundLength
    let attempt = {
      @Sendable [stop, pace, trial = attemptAlone] (index: Int, team: ThreadTeam) throws in
      // Something is done in every run, be its time limit ever so short.
      if index > 0 && (stop.reason != nil || .now >= end) { return nil as TimedOutcome? }
      let outcome = try trial(own[index], team)
      if outcome != nil { progress(pace.finished(own[index])) }
      return outcome
    }
    // A thread for each training wastes nothing on waiting within one; but with fewer than two a
    // thread, most would be idle while the last ones run, so then all threads share each.
    let pulse = team.pulse
    let finished =
      team.threadCount > 1 && own.count >= 2 * team.threadCount
      ? try team.throwingMap(own.count) { index, _ in
        try attempt(index, ThreadTeam(threadCount: 1, pulse: pulse))
      }
      : try own.indices.map { try attempt($0, team) }
    longest = max(longest, finished.compactMap { $0?.time }.max() ?? .zero)
    return finished.compactMap { $0?.outcome }
  }

  private typealias TimedOutcome = (outcome: Outcome, time: Duration)

  /// What does a training by one thread or team of this rank; for any thread.
  private var attemptAlone: @Sendable (EvaluationTask, ThreadTeam) throws -> TimedOutcome? {
    return { [attempt] task, team in
      try attempt.run(task, InProcessCommunicator.alone(), team)
    }
  }

  private var attempt: TrainingAttempt {
    TrainingAttempt(
      plan: plan, job: identity.job, folder: keeping.folder, inputs: inputs, continues: continues,
      stop: stop, warn: keeping.warn)
  }
}
