internal import ConvNet
internal import Files
internal import Foundation
internal import Images
internal import Logging
internal import NetworkTraining
internal import Plotting
internal import Synchronization

/// What a network's training says, and what it leaves beside the model.
struct NetworkTrainingReport {
  private let request: TrainingRequest
  private let output: String
  private let log: Logger

  init(_ request: TrainingRequest, output: String, log: Logger) {
    (self.request, self.output, self.log) = (request, output, log)
  }

  /// The output without its ending.
  private var stem: String { String(output.dropLast(".safetensors".count)) }
  private var historyPath: String { TrainingHistory.path(of: output) }
  private var curvesPath: String { stem + ".curves.svg" }

  /// What is written beside the model.
  var sidePaths: [String] { [historyPath, curvesPath] }

  /// SHA-256 of what decides a training's bytes.
  static func digest(_ job: JSONValue) -> String {
    SHA256Digest(of: Array(job.compactText.utf8)).hexadecimal
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

  private static func number(_ value: Double) -> String { String(format: "%.4f", value) }

  var plan: String {
    let settings = request.settings
    let learned = request.plan.learnedLayers.joined(separator: ", ")
    return """
      network     \(request.plan.text.architecture.rawValue), \(request.classes.count) classes
      learned     \(learned)
      images      \(request.images.count) of \(request.images.list.path)\
      \(request.validation.map { ", validated on \($0.count)" } ?? "")
      solver      \(settings.method.rawValue), rate \(settings.baseRate) \(settings.policy.rawValue), \
      momentum \(settings.momentum), decay \(settings.weightDecay)
      steps       \(settings.maxIterations) of \(request.batchSize) images, \
      \(request.stepsPerEpoch) an epoch
      model       \(output)
      """
  }

  /// A line every ten seconds.
  func progressLogger() -> (TrainingSchedule.Progress) -> Void {
    let last = Mutex(ContinuousClock.now)
    let log = log
    return { progress in
      let isDue = last.withLock { last in
        guard ContinuousClock.now - last >= .seconds(10) else { return false }
        last = .now
        return true
      }
      guard isDue else { return }
      log.info(
        """
        iteration \(progress.iteration) of \(progress.total), epoch \(progress.epoch): loss \
        \(Self.number(progress.loss)), accuracy \(Self.percent(progress.accuracy)), \
        \(String(format: "%.1f", progress.imagesPerSecond)) images/s, \
        \(Int(progress.secondsLeft.rounded(.up))) s left
        """)
    }
  }

  func line(_ epoch: EpochRecord) -> String {
    var text =
      "epoch \(epoch.epoch): loss \(Self.number(epoch.loss)), accuracy "
      + Self.percent(epoch.accuracy)
    if let loss = epoch.validationLoss, let accuracy = epoch.validationAccuracy {
      text += "; validation: loss \(Self.number(loss)), accuracy \(Self.percent(accuracy))"
    }
    return text
  }

  /// What the model's metadata say of its training; nothing of ranks, threads or time.
  func metadata(_ trainer: NetworkTrainer, job: JSONValue) throws -> JSONValue {
    let last = trainer.history.last
    let recipe = Recipe(
      job: Self.digest(job), list: request.images.list.sha256.hexadecimal,
      images: request.images.count, seed: "\(request.seed)",
      classes: request.classes.map(\.description), preprocess: request.transform.name,
      augmentation: request.augmentation, batchSize: request.batchSize, solver: request.settings,
      frozenBelow: request.plan.frozenBelow, replaced: request.replaced.sorted(),
      startedFrom: request.model?.weightsSHA256.hexadecimal, epochs: trainer.history.count,
      loss: last?.loss, accuracy: last?.accuracy, validationLoss: last?.validationLoss,
      validationAccuracy: last?.validationAccuracy)
    return try JSONValue(encoding: recipe)
  }

  private struct Recipe: Encodable {
    let job: String
    let list: String
    let images: Int
    let seed: String
    let classes: [String]
    let preprocess: String
    let augmentation: Augmentation
    let batchSize: Int
    let solver: SolverSettings
    let frozenBelow: String?
    let replaced: [String]
    let startedFrom: String?
    let epochs: Int
    let loss: Double?
    let accuracy: Double?
    let validationLoss: Double?
    let validationAccuracy: Double?
  }

  /// Writes the history and its curves.
  func write(_ history: [EpochRecord]) throws {
    let lines = [EpochRecord.header] + history.map(\.line)
    try write(Array((lines.joined(separator: "\n") + "\n").utf8), to: historyPath)
    let curve = TrainingHistory(name: FileSystem.name(of: stem), history).accuracyCurve
    if let curve { try write(Array(curve.svg.utf8), to: curvesPath) }
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try ReplacementFile(path)
    try file.append(bytes)
    try file.commit()
  }

  func summary(_ trainer: NetworkTrainer, _ model: Model, elapsed: Duration) -> String {
    var lines = [
      "model       \(output), weights \(model.weightsSHA256.hexadecimal.prefix(16))…",
      "history     \(historyPath), \(curvesPath)",
    ]
    if let last = trainer.history.last { lines.append("result      \(line(last))") }
    lines.append("time        \(String(format: "%.1f", elapsed / .seconds(1))) s")
    lines += describe(trainer.failures, request.images.list)
    if let list = request.validation?.list {
      lines += describe(trainer.validationFailures, list)
    }
    return lines.joined(separator: "\n")
  }

  private func describe(_ failures: [Int: String], _ list: ImageList) -> [String] {
    if failures.isEmpty { return [] }
    let shown = failures.keys.sorted().prefix(20).map { row in
      "            row \(row), \(list[row].path): \(failures[row]!)"
    }
    let rest =
      failures.count > shown.count ? ["            … and \(failures.count - shown.count) more"] : []
    return ["left out    \(failures.count) images of \(list.path) that cannot be read"] + shown
      + rest
  }
}
