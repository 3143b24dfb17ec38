internal import ConvNet
internal import Foundation

extension ExtractionSummary {
  /// Several lines of at most 80 columns, names of stores and causes aside: what failed comes first, and
  /// of more than `namedRanks` ranks the least, middle and largest numbers.
  ///
  /// - Parameter store: what the lines call the store.
  package func text(store: String) -> String {
    if wasComplete { return "\(store) is complete already: \(rows) rows, \(failedRows) failed" }
    let rate = elapsedSeconds > 0 ? Double(rowsNow) / elapsedSeconds : 0
    var lines = [
      String(
        format: "%@: %d of %d rows, %d of them now, %.1f s, %.1f images/s", store,
        rowsBefore + rowsNow, rows, rowsNow, elapsedSeconds, rate)
    ]
    lines += troubles
    lines += table
    if ranks.count > 1 { lines.append(String(format: "  imbalance %.1f %%", imbalance * 100)) }
    lines += engineTimes
    if let stopReason {
      lines.append("stopped early (\(stopReason)); the same command line continues")
    }
    return lines.joined(separator: "\n")
  }

  /// What a user should do about failed images, for a command that can; empty when none failed.
  package var advice: String {
    if failures.isEmpty { return "" }
    var lines: [String] = []
    if missingFiles > 0 {
      let place = root.map { " under \($0)" } ?? ""
      lines.append("  not there\(place): \(missingFiles); --root names another folder")
    }
    lines.append("  the same command with --retry-failed tries the failed images again")
    return lines.joined(separator: "\n")
  }

  private var troubles: [String] {
    var lines: [String] = []
    for (cause, count) in failures.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append("  failed: \(count) × \(cause)")
    }
    for (host, count) in countsReadElsewhere.sorted(by: { $0.key < $1.key }) {
      lines.append("  not read on \(host), but on another host: \(count)")
    }
    if warnings > 0 { lines.append("  \(warnings) images decoded with a warning; see rows.tsv") }
    if overflows > 0 {
      lines.append("  \(overflows) values beyond float16 became infinite; use --dtype float32")
    }
    return lines
  }

  /// More ranks than that are not listed one by one.
  private static let namedRanks = 8
  private static let hostWidth = 10

  /// Seconds by rank and part of the work.
  private var table: [String] {
    var lines = [
      "  rank " + Self.left("host", Self.hostWidth) + " images"
        + SummaryColumn.all.map { Self.right($0.name, 7) }.joined()
    ]
    let images = ranks.map { Double($0.timing.images) }
    let times = SummaryColumn.all.map { column in ranks.map { column.seconds($0.timing) } }
    if ranks.count <= Self.namedRanks {
      for (index, rank) in ranks.enumerated() {
        lines.append(
          Self.right("\(rank.rank)", 6) + " " + Self.left(rank.host, Self.hostWidth)
            + Self.right(Self.count(images[index]), 7)
            + times.map { Self.right(Self.seconds($0[index]), 7) }.joined())
      }
    } else {
      let middle = ranks.count / 2
      for (name, place) in [("min", 0), ("median", middle), ("max", ranks.count - 1)] {
        lines.append(
          "  " + Self.left(name, 5 + Self.hostWidth)
            + Self.right(Self.count(images.sorted()[place]), 7)
            + times.map { Self.right(Self.seconds($0.sorted()[place]), 7) }.joined())
      }
      let hosts = Set(ranks.map(\.host)).count
      lines.append("  of \(ranks.count) ranks on \(hosts) host\(hosts == 1 ? "" : "s")")
    }
    lines.append(
      "  seconds; before the first batch \(Self.seconds(prepareSeconds)); rank 0: gather "
        + "\(Self.seconds(gatherSeconds)), write \(Self.seconds(writeSeconds))")
    return lines
  }

  /// Milliseconds an image by layer, of all ranks.
  private var engineTimes: [String] {
    let sum = ranks.reduce(into: WorkTiming()) { $0 += $1.timing }
    if sum.images == 0 || sum.layers.isEmpty { return [] }
    var lines = ["  engine, ms of a thread an image:"]
    var line = ""
    for time in sum.layers {
      let text = String(format: "%@ %.3f", time.layer, time.seconds * 1000 / Double(sum.images))
      if !line.isEmpty && line.count + text.count > 72 {
        lines.append("    \(line)")
        line = ""
      }
      line += line.isEmpty ? text : ", \(text)"
    }
    return lines + ["    \(line)"]
  }

  /// At most six characters for anything below 27 years of a thread.
  private static func seconds(_ value: Double) -> String {
    switch value {
    case ..<99.995: String(format: "%.2f", value)
    case ..<9999.5: String(format: "%.1f", value)
    case ..<360_000: String(format: "%.0f", value)
    default: String(format: "%.0fh", value / 3600)
    }
  }

  private static func count(_ value: Double) -> String {
    value < 1e6 ? String(format: "%.0f", value) : String(format: "%.1fM", value / 1e6)
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text.prefix(width) + String(repeating: " ", count: max(0, width - text.count))
  }
}
