internal import ArgumentParser
internal import Communication
internal import Evaluation
internal import FeatureStore
internal import Files
internal import Foundation
internal import Logging
internal import Synchronization

/// `decaf evaluate`.
struct EvaluateCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Run a protocol: many trainings on seeded splits, and a table of accuracies.",
    discussion: """
      PROTOCOL is a name, caltech101, few-shot, one-shot, office, cub or sun397 (the experiments of \
      the DeCAF paper), or a YAML file like those in Configs/protocols. The features are those of stores made \
      before, by decaf extract or decaf import; layers that a store lacks are left out.

        decaf evaluate caltech101 --store c101.store --output c101.results
        mpirun -np 8 decaf evaluate office --store amazon=a.store \\
          --store webcam=w.store --output office.results

      Prints mean accuracy per class ± its standard deviation over the splits, with the paper's \
      number in brackets where there is one. OUTPUT is a folder: table.txt, cells.tsv, results.json \
      (every training's C, accuracy and certificate), splits.tsv (which rows were taken in which \
      order), confusion.svg and .tsv, curve.svg. The bytes do not depend on ranks or threads.

      Stopped by SIGUSR1, SIGTERM, SIGINT or --max-hours, it ends with status 75 and keeps in OUTPUT \
      what it has done; the same command continues on any number of ranks. Results that are there are \
      not replaced without --overwrite: where this very evaluation made them, that is said, else the \
      status is 73. It is 65 when more than half of a training's objective is unproved.
      """)

  @Argument(help: "A protocol's name, or a YAML file.")
  var `protocol`: String

  @Option(
    name: .customLong("store"),
    help: """
      NAME=STORE: the store that the protocol calls NAME; without NAME= where it needs one only. \
      Repeat it for several.
      """)
  var stores: [String] = []

  @Option(help: "The folder to write the results into.")
  var output: String

  @Option(help: "Layers to try, separated by commas, in place of the protocol's.")
  var layers: String?

  @Option(
    help: """
      Probabilities of dropping a feature in training, separated by commas, in place of the \
      protocol's; 0 is without.
      """)
  var dropout: NumberList?

  @Option(help: "Random splits, in place of the protocol's.")
  var splits: Int?

  @Option(help: "The seed of the splits, in place of the protocol's.")
  var seed: UInt64?

  @Flag(help: "End with status 65 when a training stayed above its tolerance.")
  var strict = false

  @Option(help: "Stop after so many hours, with status 75 and what is done kept.")
  var maxHours: Double?

  @Flag(
    help: """
      Replace the results in OUTPUT, and what another evaluation has begun there; what this one has \
      begun is continued.
      """)
  var overwrite = false

  @OptionGroup var resultOptions: ResultOptions

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    if let splits, !(1...10_000 ~= splits) {
      throw ValidationError("--splits \(splits): expected 1…10000.")
    }
    if let dropout = dropout?.values,
      Set(dropout).count != dropout.count || !dropout.allSatisfy({ $0 >= 0 && $0 < 1 })
    {
      throw ValidationError("--dropout: expected numbers from 0 to below 1, each once.")
    }
    try OptionRange.checkPositive("--max-hours", maxHours)
  }

  static var stopsInOrder: Bool { true }

  func run(in context: CommandContext) throws -> ExitStatus {
    let start = ContinuousClock.now
    let evaluator = try context.communicator.agree { try makeEvaluator() }
    let identity = try context.agreeing { try evaluator.identity(context.communicator) }
    if let status = try finished(evaluator, identity, context) { return status }
    return try context.locking("\(output)/lock", output: output) {
      try evaluate(evaluator, since: start, in: context)
    }
  }

  /// Evaluates, with the output to itself.
  private func evaluate(
    _ evaluator: Evaluator, since start: ContinuousClock.Instant, in context: CommandContext
  ) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    try check.run(evaluator.stores, context, team)
    PausePoint.inputsAreOpen()
    if context.isRoot { for line in evaluator.summary { context.log.info("\(line)") } }
    let result: EvaluationResult?
    do {
      result = try context.using(evaluator.inputs) {
        try context.agreeing {
          try evaluator.run(
            communicator: context.communicator, team: team, keeping: keeping(context, since: start),
            progress: progressLogger(context))
        }
      }
    } catch let stop as EvaluationStopped {
      if context.isRoot {
        try resultOptions.show(
          .object(["stopped": .string("\(stop)"), "results": .string(output)]),
          text: "\(stop); \(output) keeps them, the same command line continues")
      }
      return .stoppedEarly
    }
    try context.requireUnchanged(evaluator.inputs)
    let files = try context.communicator.agree {
      try result?.write(to: output, replaces: overwrite)
    }
    var counts = [Int64(result?.unconvergedCount ?? 0), Int64(result?.unprovedCount ?? 0)]
    try context.communicator.allreduce(&counts, .maximum)
    if let result, let files {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      try resultOptions.show(
        result.json,
        text: """
          \(result.text)

          trainings   \(evaluator.taskCount) in \(String(format: "%.1f", seconds)) s, \
          \(result.unconvergedCount) above the tolerance
          results     \(output): \(files.joined(separator: ", "))
          """)
    }
    return status(unconverged: Int(counts[0]), unproved: Int(counts[1]), context)
  }

  /// What the trainings' certificates mean for the status; says what is wrong with them.
  private func status(unconverged: Int, unproved: Int, _ context: CommandContext) -> ExitStatus {
    if unconverged == 0 { return .done }
    if context.isRoot {
      context.log.warning(
        "\(unconverged) trainings stayed above the tolerance; results.json has their gaps")
      if unproved > 0 {
        context.log.error(
          """
          of \(unproved) trainings more than half of the objective is unproved, so that their \
          accuracies may mean nothing; bring the features to a common scale by normalize: l2 in the \
          protocol, or try smaller values of C
          """)
      }
    }
    return strict || unproved > 0 ? .badInput : .done
  }

  /// Ends where this very evaluation is finished, and goes on, with nil, where results may be written.
  /// Collective.
  ///
  /// - Throws: `JobFailure` where what is there must stay.
  private func finished(
    _ evaluator: Evaluator, _ identity: EvaluationIdentity, _ context: CommandContext
  ) throws -> ExitStatus? {
    let folder = ResultsFolder(output)
    // Whether it is finished; trainings above the tolerance; unproved ones.
    var found = try context.communicator.agree { () throws -> [Int64] in
      guard context.isRoot else { return [0, 0, 0] }
      let state = overwrite ? .free : try folder.state(of: identity, evaluator: evaluator)
      switch state {
      case .other(let name): throw ExistingOutputError.exists(path: "\(output)/\(name)")
      case .finished(let table, let unconverged, let unproved):
        try resultOptions.show(
          folder.json,
          text: """
            \(table)
            results     \(output) is there already, made by this evaluation; --overwrite makes it again
            """)
        return [1, Int64(unconverged), Int64(unproved)]
      case .unfinished:
        context.log.info("evaluation continues from what is done in \(output)")
      case .free: break
      }
      try folder.checkWritable()
      return [0, 0, 0]
    }
    try context.communicator.allreduce(&found, .maximum)
    if found[0] == 0 { return nil }
    return status(unconverged: Int(found[1]), unproved: Int(found[2]), context)
  }

  /// Where unfinished work goes, and when to stop.
  private func keeping(
    _ context: CommandContext, since start: ContinuousClock.Instant
  ) -> EvaluationKeeping {
    let end = maxHours.map { start + .seconds(min($0, 1e6) * 3600) }
    let log = context.log
    return EvaluationKeeping(
      folder: output, replacesOthers: overwrite,
      stopReason: {
        StopSignal.name ?? (end.map { ContinuousClock.now >= $0 } == true ? "--max-hours" : nil)
      },
      warn: { log.warning("\($0)") })
  }

  func printPlan() throws {
    for line in try makeEvaluator().summary { print(line) }
    print("results     \(output)")
  }

  private func makeEvaluator() throws -> Evaluator {
    var (evaluation, paths) = try EvaluationProtocol.named(`protocol`)
    if let layers {
      evaluation.layers = layers.split(separator: ",").map { LayerName.resolved(String($0)) }
      if evaluation.layers.isEmpty { throw ValidationError("--layers: expected at least one.") }
    }
    if let dropout { evaluation.dropout = dropout.values }
    if let splits, evaluation.design != .fixed { evaluation.splitCount = splits }
    if let seed { evaluation.seed = seed }
    for text in stores {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2 {
        paths[parts[0]] = parts[1]
      } else if evaluation.roles.count == 1 {
        paths[evaluation.roles[0]] = text
      } else {
        throw ValidationError(
          "--store \(text): expected NAME=STORE with one of \(evaluation.roles.joined(separator: ", "))."
        )
      }
    }
    return try Evaluator(evaluation, stores: paths.mapValues { try Store($0) })
  }

  /// Logs how far the evaluation has come, every ten seconds.
  private func progressLogger(
    _ context: CommandContext
  ) -> @Sendable (EvaluationProgress) -> Void {
    guard context.isRoot else { return { _ in } }
    let log = context.log
    let last = Mutex(ContinuousClock.now)
    return { progress in
      last.withLock { last in
        guard ContinuousClock.now - last >= .seconds(10) else { return }
        last = .now
        log.info(
          """
          \(progress.done) of \(progress.total) trainings, about \
          \(DurationText.text(seconds: progress.remainingSeconds)) left
          """)
      }
    }
  }
}
