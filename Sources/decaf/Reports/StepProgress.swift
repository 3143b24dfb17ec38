internal import Communication
internal import Foundation

/// How far a command of one process is, on standard error: a live line on a terminal, else a line
/// every ten seconds.
final class StepProgress {
  private let isLive = isatty(STDERR_FILENO) != 0
  private let clock = ContinuousClock()
  private var begun: ContinuousClock.Instant
  /// What is counted, and how many steps of it were done when it was first told of.
  private var (name, first) = ("", 0)
  private var next: ContinuousClock.Instant
  private var wasShown = false

  init() {
    begun = clock.now
    next = begun + .seconds(isLive ? 1 : 10)
  }

  /// Says that `done` of `total` steps of `name` are done; the time left is told from the second call on.
  func show(_ name: String, _ done: Int, of total: Int) {
    if done <= 1 || name != self.name { (self.name, first, begun) = (name, done, clock.now) }
    guard clock.now >= next else { return }
    next = clock.now + .seconds(isLive ? 0.5 : 10)
    let elapsed = begun.duration(to: clock.now) / .seconds(1)
    let left =
      done > first
      ? ", \(Int((elapsed / Double(done - first) * Double(total - done)).rounded(.up))) s left" : ""
    let line = "\(name) \(done) of \(total)\(left)"
    StandardError.write(isLive ? "\r\u{1b}[K\(line)" : "\(line)\n")
    wasShown = isLive
  }

  /// Removes the live line.
  func finish() {
    if wasShown { StandardError.write("\r\u{1b}[K") }
  }
}
