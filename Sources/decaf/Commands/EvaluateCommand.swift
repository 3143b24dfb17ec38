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
      PROTOCOL is a name, caltech101, one-shot, office, cub or sun397 (the experiments of the DeCAF \
      paper), or a YAML file like those in Configs/protocols. The features are those of stores made \
      before, by decaf extract or decaf import; layers that a store lacks are left out.

        decaf evaluate caltech101 --store caltech101.store --output caltech101.results
        decaf evaluate office --store amazon=a.store --store webcam=w.store --output office.results

      Prints mean accuracy per class ± its standard deviation over the splits, with the paper's \
      number in brackets where there is one. OUTPUT is a folder: table.txt, cells.tsv, results.json \
      (every training's C, accuracy and certificate), splits.tsv (which rows were taken in which \
      order), confusion.svg and .tsv, curve.svg. The bytes do not depend on ranks or threads.
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
  }

  func run(in context: CommandContext) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    let evaluator = try context.communicator.agree {
      let evaluator = try makeEvaluator()
      if context.isRoot { try EvaluationResult.checkWritable(output) }
      return evaluator
    }
    PausePoint.inputsAreOpen()
    if context.isRoot { for line in evaluator.summary { context.log.info("\(line)") } }
    let start = ContinuousClock.now
    let result = try context.using(evaluator.inputs) {
      try context.agreeing {
        try evaluator.run(
          communicator: context.communicator, team: team,
          progress: progressLogger(context))
      }
    }
    try context.requireUnchanged(evaluator.inputs)
    let files = try context.communicator.agree {
      try result?.write(to: output)
    }
    guard let result, let files else { return .done }
    print(result.text)
    print("")
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    print(
      "trainings   \(evaluator.taskCount) in \(String(format: "%.1f", seconds)) s, "
        + "\(result.unconvergedCount) above the tolerance")
    print("results     \(output): \(files.joined(separator: ", "))")
    if result.unconvergedCount == 0 { return .done }
    context.log.warning(
      "\(result.unconvergedCount) trainings stayed above the tolerance; results.json has their gaps"
    )
    return strict ? .badInput : .done
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

  /// Logs how far this rank has come, every ten seconds.
  private func progressLogger(
    _ context: CommandContext
  ) -> @Sendable (Int, Int) -> Void {
    guard context.isRoot else { return { _, _ in } }
    let log = context.log
    let last = Mutex(ContinuousClock.now)
    return { done, total in
      last.withLock { last in
        guard ContinuousClock.now - last >= .seconds(10) else { return }
        last = .now
        log.info("\(done) of \(total) trainings of this rank")
      }
    }
  }
}
