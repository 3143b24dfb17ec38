internal import Communication
internal import FeatureStore
internal import Foundation
internal import Images

/// How a run shows that it goes on.
package enum ProgressStyle: String, Sendable, CaseIterable {
  /// A live line on a terminal, log lines elsewhere.
  case auto
  /// A line that is rewritten in place; under `mpirun`, where standard error is a pipe, too.
  case line
  /// A line of its own every ten seconds.
  case log
}

/// Counts images and tells people, on standard error.
struct Progress {
  let total: Int
  private let isLive: Bool
  private let interval: Double
  private let start = ContinuousClock.now
  private var lastShown = ContinuousClock.now
  private(set) var done = 0
  /// Images of this run, without those an earlier run recorded.
  private var doneHere = 0
  /// Failed images of this run by cause: the part of the message before the first colon.
  private(set) var failures: [String: Int] = [:]
  /// Those of them that are not there.
  private(set) var missingFiles = 0
  private(set) var warnings = 0
  private(set) var overflows = 0

  /// - Parameters:
  ///   - total: the store's rows.
  ///   - done: rows that are recorded already.
  init(total: Int, done: Int, style: ProgressStyle) {
    self.total = total
    self.done = done
    switch style {
    case .auto: isLive = isatty(STDERR_FILENO) != 0
    case .line: isLive = true
    case .log: isLive = false
    }
    interval = isLive ? 0.5 : 10
  }

  mutating func add(_ finished: FinishedRows) {
    done += finished.rows.count
    doneHere += finished.rows.count
    overflows += finished.overflowCount
    for exception in finished.exceptions {
      switch exception.status {
      case .ok: warnings += 1
      case .failed: countFailure(exception)
      }
    }
  }

  /// Counts rows that will fail as nobody can read their files.
  mutating func add(hopeless rows: [RowException]) {
    done += rows.count
    doneHere += rows.count
    for exception in rows { countFailure(exception) }
  }

  private mutating func countFailure(_ exception: RowException) {
    let cause = exception.message.prefix { $0 != ":" }
    failures[String(cause), default: 0] += 1
    if exception.message == Self.missing { missingFiles += 1 }
  }

  /// The message of a file that is not there.
  private static let missing = ImageError.unreadable(operation: "open", code: ENOENT).description

  /// Shows the state when it is time to.
  mutating func show() {
    guard seconds(since: lastShown) >= interval else { return }
    lastShown = .now
    StandardError.write(isLive ? "\r\(line)\u{1B}[K" : "decaf: \(line)\n")
  }

  /// Leaves the last state on the screen.
  func finish() {
    if isLive { StandardError.write("\r\(line)\u{1B}[K\n") }
  }

  var elapsedSeconds: Double { seconds(since: start) }

  /// Images a second.
  var rate: Double {
    let elapsed = elapsedSeconds
    return elapsed > 0 ? Double(doneHere) / elapsed : 0
  }

  /// Seconds that the rest will take; nil where nothing is known of it.
  var secondsLeft: Double? { rate > 0 ? Double(total - done) / rate : nil }

  /// `1200/5000 images, 48.1 images/s, 1m 19s left, 3 failed`.
  private var line: String {
    let rate = rate
    var parts = ["\(done)/\(total) images", String(format: "%.1f images/s", rate)]
    if rate > 0 && done < total { parts.append("\(Self.text(Double(total - done) / rate)) left") }
    let failed = failures.values.reduce(0, +)
    if failed > 0 { parts.append("\(failed) failed") }
    return parts.joined(separator: ", ")
  }

  private static func text(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    if whole >= 3600 { return "\(whole / 3600)h \(whole % 3600 / 60)m" }
    return whole >= 60 ? "\(whole / 60)m \(whole % 60)s" : "\(whole)s"
  }
}
