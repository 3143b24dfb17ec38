internal import Classification
internal import Files
internal import Foundation

extension TrainingResult {
  /// The same for programs.
  func json(
    output: String, C: Double, validation: CrossValidation?, elapsed: Duration
  ) -> JSONValue {
    .object([
      "classifier": .string(output),
      "wasFinished": .bool(false),
      "rows": .number(Double(rowCount)),
      "failed": .number(Double(failedCount)),
      "unlabelled": .number(Double(unlabelledCount)),
      "classes": .array(classes.map { .string($0) }),
      "C": .number(C),
      "converged": .bool(isConverged),
      "certificate": certificate.json,
      "iterations": .number(Double(iterations)),
      "passes": .number(Double(passes)),
      "elapsedSeconds": .number(elapsed / .seconds(1)),
      "validation": validation.map(\.json) ?? .null,
    ])
  }

  /// What was trained and how well, for people.
  func summary(output: String, elapsed: Duration) -> String {
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    return """
      rows        \(rowCount) in \(classes.count) classes; left out: \
      \(failedCount) failed, \(unlabelledCount) without label
      objective   \(certificate.objective)
      certificate \(certificate.summary)
      work        \(iterations) iterations, \(passes) passes over the rows, \
      \(String(format: "%.1f", seconds)) s
      classifier  \(output)
      """
  }
}

extension TrainingProgress {
  /// For `--metrics`.
  var metrics: [Metric] {
    [
      Metric(
        "decaf_training_iterations_total", "Iterations of the solver.", isCounter: true,
        Double(iteration)),
      Metric(
        "decaf_training_passes_total", "Passes over the rows.", isCounter: true, Double(passes)),
      Metric("decaf_training_objective", "The objective that is minimized.", objective),
      Metric(
        "decaf_training_relative_gap", "About how far it is from the least, relative to it.",
        relativeGap),
    ]
  }
}

extension Certificate {
  /// The numbers, and what follows from them.
  var json: JSONValue {
    .object([
      "objective": .number(objective),
      "gap": .number(gap),
      "relativeGap": .number(relativeGap),
      "gapOfGain": gapOfGain.map { .number($0) } ?? .null,
      "relativeGradient": .number(relativeGradient),
    ])
  }

  /// Both ratios, for people.
  var summary: String {
    func text(_ value: Double) -> String { String(format: "%.2e", value) }
    let gain = gapOfGain.map { ", of what weights gain \(text($0))" } ?? ""
    return "relative gap \(text(relativeGap)) (gap \(text(gap)))\(gain), relative gradient "
      + text(relativeGradient)
  }
}

extension CrossValidation {
  /// Each C with its accuracy on rows held out.
  var json: JSONValue {
    .array(
      candidates.map {
        .object([
          "C": .number($0.C), "accuracy": .number(accuracy($0)), "chosen": .bool($0 == best),
        ])
      })
  }

  /// A line for each C, the best one marked.
  var table: String {
    let best = best
    var lines = [
      "C           accuracy on \(heldOut.reduce(0, +)) held-out rows, \(heldOut.count) folds"
    ]
    for candidate in candidates {
      let deviation = deviation(candidate).map { String(format: " ± %.2f", 100 * $0) } ?? ""
      lines.append(
        "\(candidate.C)".padding(toLength: 12, withPad: " ", startingAt: 0)
          + String(format: "%.2f %%", 100 * accuracy(candidate)) + deviation
          + (candidate == best ? "  chosen" : ""))
    }
    return lines.joined(separator: "\n")
  }
}
