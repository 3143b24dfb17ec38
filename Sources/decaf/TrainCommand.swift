internal import ArgumentParser
internal import Classification
internal import Communication
internal import ConvNet
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

  @Option(help: "Draws the folds, whose shares of each class are as equal as can be.")
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
    if folds != nil && path == nil {
      throw ValidationError("--folds goes with --C-path, the values of C to choose from.")
    }
  }

  /// What to minimize, as the trainer takes it.
  private func options(classWeights: ClassWeights) -> TrainingOptions {
    TrainingOptions(
      loss: loss, C: C, tolerance: tolerance, regularizesBias: regularizeBias,
      normalization: normalize, standardizes: standardize,
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
      normalize \(normalize.rawValue)\(standardize ? ", standardize" : "")
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

/// Numbers separated by commas.
struct NumberList: ExpressibleByArgument {
  let values: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { Double($0) }
    if values.count != parts.count { return nil }
    self.values = values
  }
}

/// Names of layers as users write them.
enum LayerName {
  /// The store's name for a layer: aliases such as `decaf6` resolved, others as they are.
  static func resolved(_ text: String) -> String {
    do throws(ModelError) { return try BlobName(parsing: text).description } catch {
      return text  // the store says which layers it has
    }
  }
}

extension CommandContext {
  /// Runs a collective step whose own errors all ranks meet together.
  ///
  /// - Throws: `JobFailure` for a `ClassificationError`, which every rank throws; any other error as
  ///   it is.
  func agreeing<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as ClassificationError where error.isCollective {
      throw JobFailure(status: error.exitStatus, description: "\(error)")
    }
  }
}
