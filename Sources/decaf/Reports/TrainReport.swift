internal import Classification
internal import Foundation

extension TrainingResult {
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

extension Certificate {
  /// Both ratios, for people.
  var summary: String {
    func text(_ value: Double) -> String { String(format: "%.2e", value) }
    let gain = gapOfGain.map { ", of what weights gain \(text($0))" } ?? ""
    return "relative gap \(text(relativeGap)) (gap \(text(gap)))\(gain), relative gradient "
      + text(relativeGradient)
  }
}

extension CrossValidation {
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
