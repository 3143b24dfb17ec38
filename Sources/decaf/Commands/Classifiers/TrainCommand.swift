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
      made alike. Hosts that share no folder may each have stores of their own, with --local.

      Now and then, and when asked to stop by SIGUSR1, SIGTERM, SIGINT or --max-hours, training \
      writes what it has reached beside the classifier, as OUTPUT.checkpoint. Started again, the \
      same command continues there, on any number of ranks and threads, to the same bytes.

      A classifier that is there is not replaced without --overwrite: where this very training made \
      it, that is said, else the status is 73. A training that ends with a gap above half of the \
      objective has status 65; one above the tolerance a warning, or with --strict status 65.

        decaf train images.store --layer fc6 --normalize l2 --output fc6.safetensors
        mpirun -np 8 decaf train images.store --layer fc7 --loss squared-hinge \\
          --C-path 0.01,0.1,1,10 --normalize l2 --output fc7.safetensors
      """)

  @Argument(help: "Stores: folders written by decaf extract.", completion: .directory)
  var stores: [String]

  @Option(help: "The stores' layer to train on, as in decaf extract --layers.")
  var layer: String

  @Option(help: "The classifier to write: a .safetensors file, or a name without extension.")
  var output: String

  @Option(help: "What is minimized.")
  var loss = Loss.softmax

  @Option(
    name: .customLong("C"),
    help: """
      The weight of the losses against ½‖W‖², from \(TrainingOptions.usableCText); features may be of any size up to 1e15. Where the \
      rounding of single precision would show, the classifier is stored in double precision.
      """)
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

  @Option(
    help: """
      Largest duality gap, relative to the objective P and to P(0) − D, all that weights can gain over \
      the best bias alone, so that neither a small loss nor a small C makes it loose.
      """)
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

  @Option(
    help: """
      Iterations after which training stops; with status 65 where the gap is above half of the \
      objective.
      """)
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

  @Flag(
    name: .customLong("local"),
    help: """
      STORE is on each host a store of its own: all are trained on together, in the order of the lowest \
      ranks that see them. Stores that are alike are one.
      """)
  var isLocal = false

  @Flag(help: "Read all of the stores first and compare their hashes, as decaf verify does.")
  var check = false

  @Flag(
    help: """
      Replace OUTPUT, whatever classifier is there, and a checkpoint of another training; one of this \
      training is continued.
      """)
  var overwrite = false

  @Option(
    help: """
      A file that tells how training goes as Prometheus reads it, replaced every five seconds.
      """,
    completion: .file())
  var metrics: String?

  @OptionGroup var result: ResultOptions

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
    let name = FileSystem.name(of: output)
    if name.dropFirst().contains("."), !name.hasSuffix(".safetensors") {
      throw ValidationError(
        "--output \(output): a classifier is a .safetensors file; take a name that ends so.")
    }
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

  static var stopsInOrder: Bool { true }

  func run(in context: CommandContext) throws -> ExitStatus {
    try context.communicator.agree { if context.isRoot { try Classifier.checkWritable(output) } }
    return try context.locking(output + ".lock", output: output) { try train(in: context) }
  }

  /// Trains, with the output to itself.
  private func train(in context: CommandContext) throws -> ExitStatus {
    let start = ContinuousClock.now
    HeapPages.prepareForLargeArrays()
    let team = try context.makeTeam(threads: runOptions.threads)
    var input = try open(context.communicator)
    let metricsFile = try context.communicator.agree {
      context.isRoot ? try metrics.map { try MetricsOutput.open($0) } : nil
    }
    PausePoint.inputsAreOpen()
    try input.identity.settleKernels(context.communicator)
    let existing = try existing(input.identity, context)
    if let existing, path == nil { return try finished(existing, context) }
    if check { try checkStores(context, team) }
    let checkpointer = try makeCheckpointer(input, context, since: start)
    let trained: TrainingResult
    let options: TrainingOptions
    let validation: CrossValidation?
    do {
      (trained, options, validation) = try context.using(input.files) {
        try context.agreeing {
          let trainer = try Trainer(
            input.options, communicator: context.communicator, team: team,
            checkpointer: checkpointer)
          return try train(input, by: trainer, unless: existing, metricsFile, context)
        }
      }
    } catch is AlreadyFinished {
      try context.communicator.agree { if context.isRoot { try checkpointer.remove() } }
      return try finished(existing!, context)
    } catch let stop as TrainingStopped {
      if context.isRoot {
        try result.show(
          .object(["stopped": .string("\(stop)"), "checkpoint": .string(checkpointer.path)]),
          text: "\(stop); \(checkpointer.path) is written, the same command line continues")
      }
      return .stoppedEarly
    }
    try context.requireUnchanged(input.files)
    try context.communicator.agree {
      guard context.isRoot else { return }
      try Classifier(
        trained, options: options, features: input.stores.origin,
        job: input.identity.job(C: options.C)
      ).save(output)
      try checkpointer.remove()
    }
    if context.isRoot {
      let elapsed = ContinuousClock.now - start
      try result.show(
        trained.json(output: output, C: options.C, validation: validation, elapsed: elapsed),
        text: trained.summary(output: output, elapsed: elapsed))
    }
    return status(
      trained.certificate, isConverged: trained.isConverged, isExhausted: trained.isExhausted,
      iterations: trained.iterations, context)
  }

  /// Trains with the C that was given, or chooses one first; the options are those trained with.
  ///
  /// - Parameter existing: the classifier that is at the output's place.
  /// - Throws: `AlreadyFinished` when the C chosen makes this training the one it came from;
  ///   `JobFailure` when it does not.
  private func train(
    _ input: Input, by trainer: Trainer, unless existing: Classifier?,
    _ metricsFile: MetricsFile?, _ context: CommandContext
  ) throws -> (TrainingResult, TrainingOptions, CrossValidation?) {
    var options = input.options
    guard let path else {
      let result = try trainer.train(
        input.rows, from: input.start, progress: progressLogger(context, metricsFile))
      return (result, options, nil)
    }
    let assignment = FoldAssignment.stratified(input.rows, foldCount: foldCount, seed: seed)
    let (result, validation) = try trainer.train(
      input.rows, path: path.values, assignment: assignment,
      foldProgress: foldLogger(context, assignment.foldCount),
      chosen: { validation in
        guard let existing else { return }
        if existing.job != input.identity.job(C: validation.best.C) {
          throw JobFailure(
            exitStatus: .cannotCreate,
            description: "\(ExistingOutputError.exists(path: output))")
        }
        if context.isRoot && !self.result.json { print(validation.table) }
        throw AlreadyFinished()
      },
      progress: progressLogger(context, metricsFile))
    if context.isRoot && !self.result.json { print(validation.table) }
    options.C = validation.best.C
    return (result, options, validation)
  }
}
