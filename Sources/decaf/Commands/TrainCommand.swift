internal import ArgumentParser
internal import Classification
internal import Communication
internal import FeatureStore
internal import Files
internal import Foundation
internal import Logging
internal import Tensors

/// `decaf train`.
struct TrainCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a linear classifier on a layer of one or more stores.",
    discussion: """
      Minimizes ½‖W‖² + C · Σ c · loss over all rows that have features and a label, on all ranks \
      together; the result does not depend on how many they are. With f = W·x + b, y the row's \
      class, and c the row's weight (1 unless --weights or --class-weight say otherwise):

      \(Loss.table)

      The classifier is certified: no other has an objective smaller by more than its duality gap. \
      For two classes, softmax has a weight vector for each; scikit-learn's binomial form, which has \
      one, is the same with twice the C.

      Several stores are trained on as one, classes united by name; their features must have been \
      made alike.

      Now and then, and when asked to stop by SIGUSR1, SIGTERM, SIGINT or --max-hours, training \
      writes what it has reached beside the classifier, as OUTPUT.checkpoint. Started again, the \
      same command continues there, on any number of ranks and threads, to the same bytes.
      """)

  @Argument(help: "Stores: folders written by decaf extract.", completion: .directory)
  var stores: [String]

  @Option(help: "The stores' layer to train on, as in decaf extract --layers.")
  var layer: String

  @Option(help: "The classifier to write: a .safetensors file.")
  var output: String

  @Option(help: "What is minimized.")
  var loss = Loss.softmax

  @Option(name: .customLong("C"), help: "The weight of the losses against ½‖W‖².")
  var C = 1.0

  @Option(
    name: .customLong("C-path"),
    help: """
      Values of C, separated by commas: train with the one that is right most often on rows held \
      out (of several the smallest), as if --C had said so.
      """)
  var path: NumberList?

  @Option(help: "With --C-path: how many parts of the rows are held out in turn; default: 5.")
  var folds: Int?

  @Option(
    help: "Draws the folds, whose shares of each class are as equal as can be, and what is dropped."
  )
  var seed: UInt64 = 0

  @Option(help: "Largest duality gap, relative to the objective.")
  var tolerance = 1e-6

  @Flag(
    help: """
      Make the bias the weight of a constant feature 1, as LIBLINEAR's -B 1; else it is free.
      """)
  var regularizeBias = false

  @Option(help: "l2: scale each row to length 1 first, here and in prediction.")
  var normalize = RowNormalization.none

  @Flag(
    help: """
      Bring each feature to mean 0 and variance 1 over the rows trained on, after --normalize, here \
      and in prediction; a feature that never changes counts for nothing.
      """)
  var standardize = false

  @Option(
    help: """
      The probability of each feature to be dropped in training, in 0..<1, after --normalize and \
      --standardize; features that are kept are divided by 1 − p, so that prediction takes all as \
      they are.
      """)
  var dropout: Double = 0

  @Option(
    help: """
      With --dropout: how many noised copies each row is trained on as, its loss being their mean; \
      default: \(Dropout.defaultCopies). Time grows with them.
      """)
  var dropoutCopies: Int?

  @Option(
    help: """
      balanced: multiply a class's losses with N / (K·its rows), so that all count alike; or a file \
      with a class and its weight on each line, 1 for classes that are not there.
      """)
  var classWeight: String?

  @Option(
    help: """
      A file with a number for each row of the stores, one a line, that its loss is multiplied \
      with; rows of weight 0 are left out.
      """)
  var weights: String?

  @Option(help: "A classifier for the same features to begin with; classes are known by name.")
  var warmStart: String?

  @Option(help: "Iterations after which training stops, whatever the gap.")
  var maxIterations = 2000

  @Flag(help: "End with status 65 when the gap stays above the tolerance.")
  var strict = false

  @Option(help: "Stop after so many hours, with status 75 and a checkpoint.")
  var maxHours: Double?

  @Option(
    help: """
      The least minutes between checkpoints that nobody asked for; 0: one wherever there can be one.
      """)
  var checkpointMinutes = 10.0

  @Flag(help: "Begin anew, whatever the checkpoint that is there.")
  var overwrite = false

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    do {
      try options(classWeights: .equal).validate()
      for C in path?.values ?? [] {
        var options = options(classWeights: .equal)
        options.C = C
        try options.validate()
      }
    } catch { throw ValidationError("\(error)") }
    try OptionRange.check("--folds", folds, atLeast: 2)
    try OptionRange.checkPositive("--max-hours", maxHours)
    try OptionRange.checkNotNegative("--checkpoint-minutes", checkpointMinutes)
    if warmStart != nil && path != nil {
      throw ValidationError(
        "--warm-start goes with --C; --C-path begins each C with the one before.")
    }
    if dropoutCopies != nil && dropout == 0 {
      throw ValidationError("--dropout-copies goes with --dropout, the probability.")
    }
    if folds != nil && path == nil {
      throw ValidationError("--folds goes with --C-path, the values of C to choose from.")
    }
  }

  func run(in context: CommandContext) throws -> ExitStatus {
    StopSignal.install()
    let start = ContinuousClock.now
    let team = try context.makeTeam(threads: runOptions.threads)
    let input = try context.communicator.agree {
      if context.isRoot { try Classifier.checkWritable(output) }
      return try open()
    }
    let checkpointer = try makeCheckpointer(input, context, since: start)
    let result: TrainingResult
    let options: TrainingOptions
    do {
      (result, options) = try context.agreeing {
        let trainer = try Trainer(
          input.options, communicator: context.communicator, team: team,
          checkpointer: checkpointer)
        return try train(input, by: trainer, context)
      }
    } catch let stop as TrainingStopped {
      if context.isRoot {
        print("\(stop); \(checkpointer.path) is written, the same command line continues")
      }
      return .stoppedEarly
    }
    try context.communicator.agree {
      guard context.isRoot else { return }
      try Classifier(result, options: options, features: input.stores.origin).save(output)
      try checkpointer.remove()
    }
    guard context.isRoot else { return .done }
    print(result.summary(output: output, elapsed: ContinuousClock.now - start))
    return status(of: result, context)
  }

  /// Trains with the C that was given, or chooses one first; the options are those trained with.
  private func train(
    _ input: Input, by trainer: Trainer, _ context: CommandContext
  ) throws -> (TrainingResult, TrainingOptions) {
    var options = input.options
    guard let path else {
      let result = try trainer.train(
        input.rows, from: input.start, progress: progressLogger(context))
      return (result, options)
    }
    let assignment = FoldAssignment.stratified(input.rows, foldCount: foldCount, seed: seed)
    let (result, validation) = try trainer.train(
      input.rows, path: path.values, assignment: assignment,
      foldProgress: foldLogger(context, assignment.foldCount), progress: progressLogger(context))
    if context.isRoot { print(validation.table) }
    options.C = validation.best.C
    return (result, options)
  }

  /// Warns of a gap above the tolerance, and says why it stayed there.
  private func status(of result: TrainingResult, _ context: CommandContext) -> ExitStatus {
    if result.isConverged { return .done }
    let gap = result.certificate.relativeGap
    let failure: ClassificationError =
      result.isExhausted
      ? .floorReached(relativeGap: gap, tolerance: tolerance)
      : .notConverged(relativeGap: gap, tolerance: tolerance, iterations: result.iterations)
    context.log.warning("\(failure)")
    return strict ? .badInput : .done
  }
}
