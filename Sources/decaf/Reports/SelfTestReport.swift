internal import Files
internal import Foundation
internal import SelfTesting

/// What `decaf selftest` prints.
struct SelfTestReport {
  let report: SelfTest.Report
  /// Ranks that run other programs.
  let problems: [String]
  let seconds: Double

  var isGood: Bool { report.isGood && problems.isEmpty }

  /// A line a part, and whatever is wrong.
  var text: String {
    var lines = parts.map { part, outcomes in
      let kernels = Set(outcomes.map(\.digest.kernels)).subtracting(["any"]).sorted()
      let state =
        !outcomes.allSatisfy(\.isGood)
        ? "DIFFERS" : outcomes.allSatisfy(\.holds) ? "good" : "no digest is noted"
      let hosts = Set(outcomes.map(\.host)).count
      return part.padding(toLength: 28, withPad: " ", startingAt: 0) + state
        + (kernels.isEmpty ? "" : "  \(kernels.joined(separator: ", "))")
        + (hosts > 1 ? "  \(hosts) hosts" : "")
    }
    lines += faults.map { "fault: \($0)" }
    lines.append(
      isGood
        ? String(format: "this installation is good: all digests hold, in %.1f s", seconds)
        : String(
          format: "this installation is NOT good: %d faults, in %.1f s", faults.count, seconds))
    return lines.joined(separator: "\n")
  }

  var json: JSONValue {
    .object([
      "good": .bool(isGood), "seconds": .number(seconds),
      "faults": .array(faults.map { .string($0) }),
      "digests": .array(
        report.outcomes.map { outcome in
          .object([
            "part": .string(outcome.digest.part), "kernels": .string(outcome.digest.kernels),
            "sha256": .string(outcome.digest.sha256),
            "expected": outcome.expected.map { .string($0) } ?? .null,
            "rank": .number(Double(outcome.rank)), "host": .string(outcome.host),
          ])
        }),
    ])
  }

  /// Outcomes by part, in the order in which parts ran.
  private var parts: [(part: String, outcomes: [SelfTest.Outcome])] {
    var parts: [(part: String, outcomes: [SelfTest.Outcome])] = []
    for outcome in report.outcomes {
      if let index = parts.firstIndex(where: { $0.part == outcome.digest.part }) {
        parts[index].outcomes.append(outcome)
      } else {
        parts.append((outcome.digest.part, [outcome]))
      }
    }
    return parts
  }

  private var faults: [String] {
    let differing = report.outcomes.filter { !$0.isGood }.map { outcome in
      let kernels =
        outcome.digest.kernels == "any" ? "" : ", \(outcome.digest.kernels) kernels"
      return "\(outcome.digest.part)\(kernels), rank \(outcome.rank) on \(outcome.host): found "
        + "\(outcome.digest.sha256.prefix(16))…, expected \(outcome.expected?.prefix(16) ?? "")…"
    }
    return problems + report.failures + differing
  }
}
