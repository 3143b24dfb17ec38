internal import Classification
internal import Communication
internal import FeatureStore
internal import Files
internal import Foundation
internal import Logging

/// What training says.
extension TrainCommand {
  /// What `--dropout` adds to the plan.
  var dropoutPlan: String {
    dropout == 0
      ? "" : ", dropout \(dropout) in \(dropoutCopies ?? Dropout.defaultCopies) copies"
  }

  func printPlan() throws {
    let input = try open(InProcessCommunicator.alone())
    for (store, path) in zip(input.stores.stores, stores) {
      print(
        """
        store       \(path): \(store.rowCount) rows, \(store.rows.failedCount) failed, \
        \(store.classes.count) classes
        """)
    }
    let choice =
      path.map {
        "C of \($0.values.map { "\($0)" }.joined(separator: ", ")) by \(foldCount) folds"
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

  /// Logs how far training has come, every ten seconds, and keeps the file of metrics up to date.
  func progressLogger(
    _ context: CommandContext, _ metricsFile: MetricsFile?
  ) -> (TrainingProgress) -> Void {
    guard context.isRoot else { return { _ in } }
    let log = context.log
    var last = ContinuousClock.now
    return { progress in
      // A disk that does not take metrics is no reason to end the training.
      if metricsFile?.isDue() == true { try? metricsFile?.write(progress.metrics) }
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
  func foldLogger(_ context: CommandContext, _ count: Int) -> (Int, Double) -> Void {
    guard context.isRoot else { return { _, _ in } }
    let log = context.log
    var last = ContinuousClock.now
    return { fold, C in
      guard ContinuousClock.now - last >= .seconds(10) else { return }
      last = .now
      log.info("fold \(fold + 1) of \(count): C \(C) done")
    }
  }

  /// Says how well a training did that is above its tolerance, and what that means for the status; the
  /// same on every rank.
  func status(
    _ certificate: Certificate, isConverged: Bool, isExhausted: Bool, iterations: Int,
    _ context: CommandContext
  ) -> ExitStatus {
    if isConverged { return .done }
    let gap = certificate.largestRatio
    // More than half of P: as far as anybody can tell, nothing was learned.
    let isUnproved = certificate.relativeGap > 0.5
    let failure: ClassificationError =
      isUnproved
      ? .unproved(
        relativeGap: certificate.relativeGap, iterations: iterations, isExhausted: isExhausted)
      : isExhausted
        ? .floorReached(relativeGap: gap, tolerance: tolerance)
        : .notConverged(relativeGap: gap, tolerance: tolerance, iterations: iterations)
    if context.isRoot {
      if isUnproved { context.log.error("\(failure)") } else { context.log.warning("\(failure)") }
    }
    return strict || isUnproved ? .badInput : .done
  }

  /// What is there is what this training would give: says so.
  func finished(_ existing: Classifier, _ context: CommandContext) throws -> ExitStatus {
    let training = existing.training
    if context.isRoot {
      try result.show(
        .object([
          "classifier": .string(output), "wasFinished": .bool(true),
          "converged": .bool(training.isConverged), "certificate": training.certificate.json,
        ]),
        text: """
          classifier  \(output) is there already, made by this training; --overwrite makes it again
          certificate \(training.certificate.summary)
          """)
    }
    return status(
      training.certificate, isConverged: training.isConverged,
      isExhausted: training.iterations < maxIterations, iterations: training.iterations, context)
  }
}

/// Cross-validation chose the C of the classifier that is there.
struct AlreadyFinished: Error {}
