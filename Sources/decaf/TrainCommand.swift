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
    abstract: "Train a linear classifier on a layer of a store.",
    discussion: """
      Minimizes ½‖W‖² + C · Σ loss over all rows that have features and a label, on all ranks \
      together; the result does not depend on how many they are. With f = W·x + b and y the row's \
      class:

        softmax         log Σ_k exp(f_k) − f_y
        logistic        Σ_k log(1 + exp(−y_k·f_k)),   y_k = ±1 (one-vs-rest)
        squared-hinge   Σ_k max(0, 1 − y_k·f_k)²      (one-vs-rest)

      The classifier is certified: no other has an objective smaller by more than its duality gap. \
      For two classes, softmax has a weight vector for each; scikit-learn's binomial form is the \
      same with half the C.
      """)

  @Argument(help: "The store: a folder written by decaf extract.", completion: .directory)
  var store: String

  @Option(help: "The store's layer to train on, as in decaf extract --layers.")
  var layer: String

  @Option(help: "The classifier to write: a .safetensors file.")
  var output: String

  @Option(help: "What is minimized.")
  var loss = Loss.softmax

  @Option(name: .customLong("C"), help: "The weight of the losses against ½‖W‖².")
  var C = 1.0

  @Option(help: "Largest duality gap, relative to the objective.")
  var tolerance = 1e-6

  @Flag(
    help: """
      Make the bias the weight of a constant feature 1, as LIBLINEAR's -B 1; else it is free.
      """)
  var regularizeBias = false

  @Option(help: "l2: scale each row to length 1 first, here and in prediction.")
  var normalize = RowNormalization.none

  @Option(help: "Iterations after which training stops, whatever the gap.")
  var maxIterations = 2000

  @Flag(help: "End with status 65 when the gap stays above the tolerance.")
  var strict = false

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    do { try options.validate() } catch { throw ValidationError("\(error)") }
  }

  /// What to minimize, as the trainer takes it.
  var options: TrainingOptions {
    TrainingOptions(
      loss: loss, C: C, tolerance: tolerance, regularizesBias: regularizeBias,
      normalization: normalize, maximumIterations: maxIterations)
  }

  /// The layer's name in the store.
  private var layerName: String { LayerName.resolved(layer) }

  func run(in context: CommandContext) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    let rows = try context.communicator.agree(status: context.status(of:)) {
      if context.isRoot { try Classifier.checkWritable(output) }
      return try StoreRows(Store(store), layer: layerName)
    }
    let start = ContinuousClock.now
    let result = try context.agreeing {
      try Trainer(options, communicator: context.communicator, team: team)
        .train(rows, progress: progressLogger(context))
    }
    try context.communicator.agree(status: context.status(of:)) {
      guard context.isRoot else { return }
      let spec = rows.store.provenance.layers.first { $0.name == layerName }!
      try Classifier(
        result, options: options, features: FeatureOrigin(rows.store.provenance, layer: spec)
      ).save(output)
    }
    guard context.isRoot else { return .done }
    print(summary(result, elapsed: ContinuousClock.now - start))
    if result.isConverged { return .done }
    let failure = ClassificationError.notConverged(
      relativeGap: result.certificate.relativeGap, tolerance: tolerance,
      iterations: result.iterations)
    context.log.warning("\(failure)")
    return strict ? .badInput : .done
  }

  func printPlan() throws {
    let rows = try StoreRows(Store(store), layer: layerName)
    print(
      """
      store       \(store): \(rows.rowCount) rows, \(rows.store.rows.failedCount) failed, \
      \(rows.store.classes.count) classes
      layer       \(layerName) (\(rows.width))
      objective   \(loss.rawValue), C \(C), bias \(regularizeBias ? "regularized" : "free"), \
      normalize \(normalize.rawValue)
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

  private func summary(_ result: TrainingResult, elapsed: Duration) -> String {
    let certificate = result.certificate
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    return """
      rows        \(result.rowCount) in \(result.classes.count) classes; left out: \
      \(result.failedCount) failed, \(result.unlabelledCount) without label
      objective   \(certificate.objective)
      certificate relative gap \(String(format: "%.2e", certificate.relativeGap)) \
      (gap \(String(format: "%.2e", certificate.gap))), relative gradient \
      \(String(format: "%.2e", certificate.relativeGradient))
      work        \(result.iterations) iterations, \(result.passes) passes over the rows, \
      \(String(format: "%.1f", seconds)) s
      classifier  \(output)
      """
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
