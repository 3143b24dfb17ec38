internal import Formats

/// Caffe's `solver.prototxt`, as far as it says how a network is trained.
package struct SolverText: Sendable {
  package private(set) var settings = SolverSettings()
  /// The network to train, if the file names one: as it is written.
  package private(set) var network: String?
  package private(set) var seed: UInt64?
  /// It says how many iterations there are.
  package private(set) var hasIterations = false

  /// What has to do with neither weights nor their bytes: where and how often Caffe tests, shows and
  /// stores, and what it computes with.
  private static let ignored: Set = [
    "test_iter", "test_interval", "test_compute_loss", "test_initialization", "display",
    "average_loss", "snapshot", "snapshot_prefix", "snapshot_format", "snapshot_after_train",
    "snapshot_diff", "solver_mode", "device_id", "debug_info", "layer_wise_reduce", "test_net",
  ]

  /// - Throws: `TrainingError.text` for a setting that is not honoured.
  package init(_ bytes: [UInt8], source: String) throws(TrainingError) {
    do throws(TextFormatError) {
      try read(try TextMessage(parsing: bytes, source: source), source)
    } catch { throw .text(error) }
  }

  private mutating func read(_ message: TextMessage, _ source: String) throws(TextFormatError) {
    for field in message.fields where !Self.ignored.contains(field.name) {
      func fail(_ problem: String) -> TextFormatError {
        TextFormatError(source: source, line: field.line, problem: problem)
      }
      let text: String
      switch field.value {
      case .word(let word): text = word
      case .text(let words): text = words
      case .message: throw fail("'\(field.name)' is not read here")
      }
      func number() throws(TextFormatError) -> Double {
        guard let value = Double(text), value.isFinite else {
          throw fail("\(field.name): expected a number, found \(text)")
        }
        return value
      }
      func count() throws(TextFormatError) -> Int {
        guard let value = Int(text), value >= 0 else {
          throw fail("\(field.name): expected a whole number, found \(text)")
        }
        return value
      }
      func require(_ values: String...) throws(TextFormatError) {
        guard values.contains(text) else {
          throw fail("\(field.name): expected \(values[0]), found \(text)")
        }
      }
      switch field.name {
      case "net", "train_net": network = text
      case "base_lr": settings.baseRate = try number()
      case "lr_policy":
        guard let policy = RatePolicy(rawValue: text) else {
          let known = RatePolicy.allCases.map(\.rawValue).joined(separator: ", ")
          throw fail("lr_policy: expected one of \(known), found \(text)")
        }
        settings.policy = policy
      case "gamma": settings.gamma = try number()
      case "power": settings.power = try number()
      case "stepsize": settings.stepSize = try count()
      case "stepvalue": settings.stepValues.append(try count())
      case "momentum": settings.momentum = try number()
      case "weight_decay": settings.weightDecay = try number()
      case "clip_gradients":
        let value = try number()
        settings.clipGradients = value > 0 ? value : nil
      case "max_iter":
        settings.maxIterations = try count()
        hasIterations = true
      case "random_seed": seed = Int(text).flatMap { $0 >= 0 ? UInt64($0) : nil }
      case "regularization_type": try require("L2")
      case "iter_size": try require("1")
      case "type", "solver_type": try require("SGD", "0")
      default: throw fail("'\(field.name)' is a setting that is not read here")
      }
    }
  }
}
