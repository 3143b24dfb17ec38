import ConvNet
import Files
import Foundation
import Tensors

/// What `decaf model inspect` prints, as text or JSON.
struct ModelReport: Codable {
  struct Layer: Codable {
    let name: String
    let weights: [Int]
    let biases: [Int]
    let parameterCount: Int
    let weightStandardDeviation: Double
  }

  struct Activation: Codable {
    let name: String
    let shape: [Int]
  }

  let path: String
  let name: String
  let architecture: String
  let architectureSource: String
  /// The name of the input transform that goes with the weights.
  let preprocess: String?
  let isUntrained: Bool
  /// What `decaf finetune` or `train-network` noted; nil for other weights.
  let training: JSONValue?
  let sha256: String
  let parameterCount: Int
  let multiplyAdds: Int
  /// As far as the weights reach.
  let chain: [NetworkReport.Layer]
  let layers: [Layer]
  /// Layers whose weights the file repeats in panels.
  let panels: [String]
  let activations: [Activation]
  let warnings: [String]

  init(_ model: Model) {
    let definition = model.definition
    path = model.path
    name = model.name
    architecture = model.architecture.rawValue
    architectureSource = model.architectureSource.rawValue
    preprocess = model.preprocess
    isUntrained = model.isUntrained
    training = model.training.flatMap { try? JSONValue(parsing: Array($0.utf8)) }
    sha256 = model.weightsSHA256.hexadecimal
    layers = definition.layers.compactMap { layer in
      guard let shape = layer.weightShape else { return nil }
      let weights = model.storedParameters(layer.name).weights
      var (sum, squares) = (0.0, 0.0)
      weights.forEachPiece { piece in
        for i in piece.indices {
          let value = Double(piece[i])
          sum += value
          squares += value * value
        }
      }
      let count = Double(weights.count)
      return Layer(
        name: layer.name, weights: shape, biases: layer.biasShape,
        parameterCount: layer.parameterCount,
        weightStandardDeviation: max(0, squares / count - (sum / count) * (sum / count))
          .squareRoot())
    }
    parameterCount = layers.reduce(0) { $0 + $1.parameterCount }
    let network = NetworkReport(definition)
    (chain, multiplyAdds) = (network.layers, network.multiplyAdds)
    panels = layers.map(\.name).filter { model.storedParameters($0).panels != nil }
    activations = definition.blobs.map {
      Activation(name: $0.description, shape: definition.shape(of: $0).dimensions)
    }
    warnings = model.warnings
  }

  var text: String {
    var lines = [
      "file          \(path)",
      "network       \(name.isEmpty ? "(no name)" : name)",
      "architecture  \(architecture) (from: \(architectureSource))",
      "transform     \(preprocess ?? "none named: caffe")",
      "weights       \(parameterCount) numbers, SHA-256 \(sha256)",
      "arithmetic    \(NetworkReport.millions(multiplyAdds)) million multiply-adds an image",
    ]
    if isUntrained { lines.append("training      none: the weights are seeded random numbers") }
    lines += trainingLines
    lines.append(
      "panels        "
        + (panels.isEmpty ? "none" : "\(panels.joined(separator: ", ")), same as the weights"))
    lines.append("")
    lines.append(Self.row("layer", "weights", "biases", "deviation"))
    for layer in layers {
      lines.append(
        Self.row(
          layer.name, Self.shape(layer.weights), Self.shape(layer.biases),
          String(format: "%.4g", layer.weightStandardDeviation)))
    }
    lines.append("")
    lines += NetworkReport.table(of: chain)
    lines.append("")
    let items = activations.map { "\($0.name) \(Self.shape($0.shape))" }
    lines.append("activations   " + wrapped(items))
    return (lines + warnings.map { "warning: \($0)" }).joined(separator: "\n")
  }

  /// What `decaf finetune` or `train-network` noted, in three lines: from what, how, and what came of it.
  private var trainingLines: [String] {
    guard let training else { return [] }
    func text(_ path: String...) -> String {
      let value = path.reduce(JSONValue?.some(training)) { $0?[$1] }
      if case .string(let text)? = value { return text }
      return value?.compactText ?? "?"
    }
    func percent(_ key: String) -> String? {
      guard case .number(let share)? = training[key] else { return nil }
      return String(format: "%.1f %%", 100 * share)
    }
    let start =
      training["startedFrom"] == nil
      ? "drawn weights" : "weights \(text("startedFrom").prefix(16))…"
    let frozen =
      training["frozenBelow"] == nil ? "" : ", layers before \(text("frozenBelow")) frozen"
    let validation = percent("validationAccuracy").map { ", \($0) of the validation's" } ?? ""
    return [
      "training      \(text("epochs")) epochs of \(text("images")) images (list "
        + "\(text("list").prefix(16))…) from \(start)\(frozen), seed \(text("seed"))",
      "              \(text("solver", "method")), rate \(text("solver", "baseRate")) "
        + "\(text("solver", "policy")), momentum \(text("solver", "momentum")), decay "
        + "\(text("solver", "weightDecay")), batch \(text("batchSize")), transform "
        + text("preprocess"),
      "              \(percent("accuracy") ?? "?") of the images right in the last epoch"
        + validation,
    ]
  }

  private static func row(_ cells: String...) -> String {
    zip(cells, [14, 18, 8, 10]).map { cell, width in
      cell + String(repeating: " ", count: max(1, width - cell.count))
    }.joined().trimmingCharacters(in: .whitespaces)
  }

  static func shape(_ dimensions: [Int]) -> String {
    dimensions.map(String.init).joined(separator: "×")
  }

  /// Joined by commas, broken before 90 columns, indented under the first.
  private func wrapped(_ items: [String]) -> String {
    var lines = [""]
    for item in items {
      let separator = lines.last!.isEmpty ? "" : ", "
      if lines.last!.count + separator.count + item.count > 74 {
        lines[lines.count - 1] += ","
        lines.append(item)
      } else {
        lines[lines.count - 1] += separator + item
      }
    }
    return lines.joined(separator: "\n" + String(repeating: " ", count: 14))
  }
}
