internal import Classification
internal import Files
internal import Foundation

extension PredictionSummary {
  /// The counts for programs.
  func json(output: String) -> JSONValue {
    .object([
      "predictions": .string(output),
      "predicted": .number(Double(predicted)),
      "failed": .number(Double(failed)),
      "notFinite": .number(Double(notFinite)),
      "labelled": .number(Double(labelled)),
      "correct": .number(Double(correct)),
      "unknownLabel": .number(Double(unknownLabel)),
      "accuracy": accuracy.map { .number($0) } ?? .null,
    ])
  }

  /// The counts for people.
  func text(output: String) -> String {
    var lines = ["rows        \(predicted) predicted, \(failed) failed"]
    if notFinite > 0 {
      lines.append(
        "not finite  \(notFinite) rows have infinite features and no prediction; see decaf verify")
    }
    if let accuracy {
      lines.append(
        "accuracy    \(String(format: "%.2f", 100 * accuracy)) % "
          + "(\(correct) of \(labelled) labelled rows)")
    }
    if unknownLabel > 0 {
      lines.append("unknown     \(unknownLabel) rows have a label the classifier does not know")
    }
    lines.append("predictions \(output)")
    return lines.joined(separator: "\n")
  }
}
