internal import Glibc

/// A number that tells how a job goes.
package struct Metric: Sendable {
  /// As Prometheus has it: `decaf_rows_done`.
  package let name: String
  package let help: String
  /// Counters only grow, gauges may fall.
  package let isCounter: Bool
  /// Labels with values.
  package let values: [(labels: [(name: String, value: String)], value: Double)]

  package init(
    _ name: String, _ help: String, isCounter: Bool = false,
    values: [(labels: [(name: String, value: String)], value: Double)]
  ) {
    self.name = name
    self.help = help
    self.isCounter = isCounter
    self.values = values
  }

  /// A metric of one value, without labels.
  package init(_ name: String, _ help: String, isCounter: Bool = false, _ value: Double) {
    self.init(name, help, isCounter: isCounter, values: [([], value)])
  }

  /// The lines of Prometheus' text format, version 0.0.4.
  var text: String {
    var text = "# HELP \(name) \(help)\n# TYPE \(name) \(isCounter ? "counter" : "gauge")\n"
    for (labels, value) in values {
      let inner = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
      text += name + (inner.isEmpty ? "" : "{\(inner.joined(separator: ","))}")
      text += " \(value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)")\n"
    }
    return text
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}

/// A text file of metrics that is replaced every few seconds, for Prometheus' node exporter to collect, or
/// for a person to look at.
///
/// A reader finds the whole old text or the whole new one. Nothing is synchronized: after a loss of power
/// old metrics are of no use.
package final class MetricsFile {
  package let path: String
  private let interval: Duration
  private var last: ContinuousClock.Instant?

  /// - Throws: `SystemError` when the file cannot be made there.
  package init(_ path: String, interval: Duration = .seconds(5)) throws(SystemError) {
    self.path = path
    self.interval = interval
    try replace("# a job of decaf has begun\n")
  }

  /// Whether it is time to write again.
  package func isDue(now: ContinuousClock.Instant = .now) -> Bool {
    last.map { now - $0 >= interval } ?? true
  }

  /// Writes these metrics.
  ///
  /// - Throws: `SystemError`; what is there then stays.
  package func write(_ metrics: [Metric], now: ContinuousClock.Instant = .now) throws(SystemError) {
    last = now
    try replace(metrics.map(\.text).joined())
  }

  private func replace(_ text: String) throws(SystemError) {
    let partial = path + ".partial"
    try PositionedFile(partial, .replace).write(Array(text.utf8), at: 0)
    try FileSystem.rename(partial, to: path)
  }
}
