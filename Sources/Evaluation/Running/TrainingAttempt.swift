internal import Classification
internal import Communication
internal import Files
internal import Tensors

/// How a training of an evaluation is done, or left with a checkpoint when a stop is asked for.
struct TrainingAttempt: Sendable {
  let plan: SplitPlan
  /// The evaluation, `EvaluationIdentity.job`.
  let job: String
  /// Where checkpoints go; nil for none.
  let folder: String?
  /// The files of the stores.
  let inputs: [InputFile]
  /// Whether there may be checkpoints of this evaluation.
  let continues: Bool
  let stop: StopRequest
  let warn: @Sendable (String) -> Void

  /// Trainings that take longer are kept now and then, too.
  private static let checkpointInterval = Duration.seconds(600)

  /// Trains and tests. Collective among the ranks of `communicator`.
  ///
  /// - Returns: the outcome and what it took; nil when the training was left.
  func run(
    _ task: EvaluationTask, _ communicator: any Communicator, _ team: ThreadTeam
  ) throws -> (outcome: Outcome, time: Duration)? {
    let start = ContinuousClock.now
    let checkpointer = try folder.map { try makeCheckpointer(task, $0, communicator) }
    do {
      let outcome = try task.run(
        plan, communicator: communicator, team: team, checkpointer: checkpointer)
      if communicator.isRoot { try? checkpointer?.remove() }
      return (outcome, .now - start)
    } catch is TrainingStopped {
      return nil
    } catch let failure as JobFailure
      where failure.exitStatus == .cannotCreate && stop.reasonToLeave != nil
    {
      // Another host need not see the results' folder: its trainings in hand begin anew then.
      warn("a training is left without a checkpoint: \(failure)")
      return nil
    }
  }

  private func makeCheckpointer(
    _ task: EvaluationTask, _ folder: String, _ communicator: any Communicator
  ) throws -> Checkpointer {
    let path = "\(folder)/\(ResultsFolder.checkpointName(of: task, job: job))"
    let schedule = Checkpointer.Schedule(
      interval: Self.checkpointInterval, stopReason: { [stop] in stop.reasonToLeave },
      requireSoundInputs: { try communicator.agree { try inputs.requireUnchanged() } }, warn: warn)
    func open(startsAnew: Bool) throws -> Checkpointer {
      try Checkpointer(
        path, of: task.identity(plan), schedule, startsAnew: startsAnew,
        communicator: communicator)
    }
    do { return try open(startsAnew: !continues) } catch let failure as JobFailure {
      warn("a training begins anew: \(failure)")
      return try open(startsAnew: true)
    }
  }
}
