internal import Communication
internal import ConvNet
internal import Files
internal import Foundation
internal import Images
internal import Logging
internal import NetworkTraining
internal import Tensors

/// What `decaf finetune` and `decaf train-network` do.
struct NetworkTrainingJob {
  let list: String
  /// Nil to begin with drawn weights.
  let model: String?
  let network: String?
  let freezeBelow: String?
  /// Where nobody says one.
  let baseRate: Double
  let options: NetworkTrainingOptions
  let threads: Int?

  func run(in context: CommandContext) throws -> ExitStatus {
    let start = ContinuousClock.now
    let team = try context.makeTeam(threads: threads)
    let request = try context.communicator.agree { try makeRequest() }
    PausePoint.inputsAreOpen()
    for warning in request.model?.warnings ?? [] where context.isRoot {
      context.log.warning("\(warning)")
    }
    for list in [request.images.list, request.validation?.list].compactMap(\.self)
    where context.isRoot && list.labelledCount < list.count {
      context.log.warning(
        "left out \(list.count - list.labelledCount) images of \(list.path) that have no label")
    }
    try requireOneRequest(request, context)
    if try isFinished(request, context) { return .done }
    let inputs = request.model?.inputs ?? []
    do {
      return try context.using(inputs) {
        try train(request, team, context, since: start)
      }
    } catch let stop as NetworkTrainingStopped {
      if context.isRoot { print("\(stop)") }
      return .stoppedEarly
    }
  }

  private func train(
    _ request: TrainingRequest, _ team: ThreadTeam, _ context: CommandContext,
    since start: ContinuousClock.Instant
  ) throws -> ExitStatus {
    let report = NetworkTrainingReport(request, output: options.output, log: context.log)
    let trainer = try NetworkTrainer(
      request, schedule(report, context, since: start), communicator: context.communicator,
      team: team)
    if trainer.firstIteration > 0 && context.isRoot {
      context.log.info(
        "training continues from \(checkpointPath), after \(trainer.firstIteration) iterations")
    }
    try trainer.run()
    try context.requireUnchanged(request.model?.inputs ?? [])
    try context.communicator.agree {
      try request.images.list.requireSameText()
      try request.validation?.list.requireSameText()
    }
    let job = try request.job(trainer.kernelClass)
    let model = try trainer.makeModel(
      name: request.model?.name ?? request.plan.text.architecture.rawValue,
      training: report.metadata(trainer, job: job))
    try context.communicator.agree {
      guard let model else { return }
      try model.write(to: options.output)
      try report.write(trainer.history)
      try trainer.removeCheckpoint()
    }
    if let model {
      print(report.summary(trainer, model, elapsed: ContinuousClock.now - start))
    }
    return .done
  }

  var checkpointPath: String { options.output + ".checkpoint" }

  private func schedule(
    _ report: NetworkTrainingReport, _ context: CommandContext,
    since start: ContinuousClock.Instant
  ) -> TrainingSchedule {
    let end = options.maxHours.map { start + .seconds(min($0, 1e6) * 3600) }
    var schedule = TrainingSchedule(
      checkpointPath: checkpointPath,
      interval: .seconds(min(options.checkpointMinutes, 1e8) * 60),
      stopReason: {
        StopSignal.name ?? (end.map { ContinuousClock.now >= $0 } == true ? "--max-hours" : nil)
      })
    schedule.startsAnew = options.overwrite
    guard context.isRoot else { return schedule }
    let log = context.log
    schedule.warn = { log.warning("\($0)") }
    schedule.inform = { log.info("\($0)") }
    schedule.progress = report.progressLogger()
    schedule.epochEnded = { log.info("\(report.line($0))") }
    return schedule
  }

  /// Refuses ranks that read other things under the same names. Collective.
  private func requireOneRequest(_ request: TrainingRequest, _ context: CommandContext) throws {
    // All are equal where the largest is the smallest, which is the negated largest negative.
    let text = try request.job(.baseline).compactText
    let prefix = Int64(SHA256Digest(of: Array(text.utf8)).hexadecimal.prefix(15), radix: 16)!
    var bounds = [prefix, -prefix]
    try context.communicator.allreduce(&bounds, .maximum)
    try context.communicator.agree {
      if bounds[0] != -bounds[1] { throw TrainingError.ranksDiffer }
    }
  }

  /// Whether the model is there already, made by this very training. Collective.
  ///
  /// - Throws: `JobFailure` for another file in its place, or in that of its history or curves.
  private func isFinished(_ request: TrainingRequest, _ context: CommandContext) throws -> Bool {
    let kernelClass = try NetworkTrainer.kernelClass(of: context.communicator)
    let job = try request.job(kernelClass)
    let report = NetworkTrainingReport(request, output: options.output, log: context.log)
    let decision = try context.shared {
      let decision = try ExistingOutput.decide(options.output, overwrite: options.overwrite) {
        guard let found = try? Model.open(options.output), let text = found.training,
          let training = try? JSONValue(parsing: Array(text.utf8))
        else { return false }
        return training["job"] == .string(NetworkTrainingReport.digest(job))
      }
      // They are written behind the model: without it they are another training's.
      if decision == .write {
        for path in report.sidePaths {
          _ = try ExistingOutput.decide(path, overwrite: options.overwrite)
        }
      }
      return decision
    }
    if decision == .finished && context.isRoot {
      print(
        """
        model       \(options.output) is there already, made by this training; --overwrite makes it \
        again
        """)
    }
    return decision == .finished
  }

  func printPlan() throws {
    let request = try makeRequest()
    let report = NetworkTrainingReport(request, output: options.output, log: Logger(label: "decaf"))
    print(report.plan)
  }
}
