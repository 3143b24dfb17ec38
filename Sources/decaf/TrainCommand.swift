internal import ArgumentParser
internal import Classification
internal import Communication
internal import Features
internal import Foundation
internal import Logging
internal import Tensors

extension Loss: ExpressibleByArgument {}
extension RowNormalization: ExpressibleByArgument {}

/// `decaf train`.
struct TrainCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a linear classifier on a layer of one or more stores.",
    discussion: """
      Minimizes ½‖W‖² + C · Σ c · loss over all rows that have features and a label, on all ranks \
      together; the result does not depend on how many they are. With f = W·x + b, y the row's \
      class, and c the row's weight (1 unless --weights or --class-weight say otherwise):

        softmax         log Σ_k exp(f_k) − f_y
        logistic        Σ_k log(1 + exp(−y_k·f_k)),   y_k = ±1 (one-vs-rest)
        squared-hinge   Σ_k max(0, 1 − y_k·f_k)²      (one-vs-rest)

      The classifier is certified: no other has an objective smaller by more than its duality gap. \
      For two classes, softmax has a weight vector for each; scikit-learn's binomial form is the \
      same with half the C.

      Several stores are trained on as one, classes united by name; their features must have been \
      made alike.
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
    if let folds, folds < 2 {
      throw ValidationError("--folds \(folds): expected 2 or more.")
    }
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

  /// What to minimize, as the trainer takes it.
  private func options(classWeights: ClassWeights) -> TrainingOptions {
    TrainingOptions(
      loss: loss, C: C, tolerance: tolerance, regularizesBias: regularizeBias,
      normalization: normalize, standardizes: standardize,
      dropout: Dropout(
        probability: dropout, copies: dropoutCopies ?? Dropout.defaultCopies, seed: seed),
      classWeights: classWeights, maximumIterations: maxIterations)
  }

  /// The layer's name in the stores.
  private var layerName: String { LayerName.resolved(layer) }

  /// What all ranks read before they begin.
  private struct Input {
    var stores: TrainingStores
    var rows: any RowSource
    var options: TrainingOptions
    var start: Classifier?
  }

  private func open() throws -> Input {
    let stores = try TrainingStores(stores, layer: layerName)
    var rows = stores.rows
    if let weights {
      rows = try WeightedRows(rows, weights: try WeightFile.rowWeights(weights))
    }
    var classWeights = ClassWeights.equal
    if classWeight == "balanced" {
      classWeights = .balanced
    } else if let classWeight {
      let weights = try WeightFile.classWeights(classWeight)
      if let unknown = weights.keys.sorted().first(where: { !rows.classNames.contains($0) }) {
        throw ClassificationError.invalidOptions([
          "\(classWeight) weighs class “\(unknown)”, which is not in \(rows.name)"
        ])
      }
      classWeights = .named(weights)
    }
    let options = options(classWeights: classWeights)
    try options.validate()
    let start = try warmStart.map { try Classifier.load($0) }
    try start?.check(stores.origin, of: rows.name)
    return Input(stores: stores, rows: rows, options: options, start: start)
  }

  func run(in context: CommandContext) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    let input = try context.communicator.agree(status: context.status(of:)) {
      if context.isRoot { try Classifier.checkWritable(output) }
      return try open()
    }
    let start = ContinuousClock.now
    var options = input.options
    let result = try context.agreeing {
      let trainer = try Trainer(options, communicator: context.communicator, team: team)
      guard let path else {
        return try trainer.train(
          input.rows, from: input.start, progress: progressLogger(context))
      }
      let assignment = FoldAssignment.stratified(input.rows, foldCount: folds ?? 5, seed: seed)
      let (result, validation) = try trainer.train(
        input.rows, path: path.values, assignment: assignment,
        foldProgress: foldLogger(context, assignment.foldCount), progress: progressLogger(context))
      if context.isRoot { print(validation.table) }
      options.C = validation.best.C
      return result
    }
    try context.communicator.agree(status: context.status(of:)) {
      guard context.isRoot else { return }
      try Classifier(result, options: options, features: input.stores.origin).save(output)
    }
    guard context.isRoot else { return .done }
    print(result.summary(output: output, elapsed: ContinuousClock.now - start))
    if result.isConverged { return .done }
    let gap = result.certificate.relativeGap
    let failure: ClassificationError =
      result.isExhausted
      ? .floorReached(relativeGap: gap, tolerance: tolerance)
      : .notConverged(relativeGap: gap, tolerance: tolerance, iterations: result.iterations)
    context.log.warning("\(failure)")
    return strict ? .badInput : .done
  }

  /// What `--dropout` adds to the plan.
  private var dropoutPlan: String {
    dropout == 0
      ? "" : ", dropout \(dropout) in \(dropoutCopies ?? Dropout.defaultCopies) copies"
  }

  func printPlan() throws {
    let input = try open()
    for (store, path) in zip(input.stores.stores, stores) {
      print(
        """
        store       \(path): \(store.rowCount) rows, \(store.rows.failedCount) failed, \
        \(store.classes.count) classes
        """)
    }
    let choice =
      path.map {
        "C of \($0.values.map { "\($0)" }.joined(separator: ", ")) by \(folds ?? 5) folds"
      }
      ?? "C \(C)"
    print(
      """
      layer       \(layerName) (\(input.rows.width))
      objective   \(loss.rawValue), \(choice), bias \(regularizeBias ? "regularized" : "free"), \
      normalize \(normalize.rawValue)\(standardize ? ", standardize" : "")\(dropoutPlan)
      tolerance   \(tolerance)
      classifier  \(output)
      """)
  }

  /// Logs how far training has come, every ten seconds.
  private func progressLogger(_ context: CommandContext) -> (TrainingProgress) -> Void {
    guard context.isRoot else { return { _ in } }
    let log = context.log
    var last = ContinuousClock.now
    return { progress in
      guard ContinuousClock.now - last >= .seconds(10) else { return }
      last = .now
      log.info(
        """
        iteration \(progress.iteration): objective \(progress.objective), relative gap about \
        \(String(format: "%.1e", progress.relativeGap))
        """)
    }
  }

  /// Logs how far cross-validation has come, every ten seconds.
  private func foldLogger(_ context: CommandContext, _ count: Int) -> (Int, Double) -> Void {
    guard context.isRoot else { return { _, _ in } }
    let log = context.log
    var last = ContinuousClock.now
    return { fold, C in
      guard ContinuousClock.now - last >= .seconds(10) else { return }
      last = .now
      log.info("fold \(fold + 1) of \(count): C \(C) done")
    }
  }
}
