internal import Synchronization

/// How an evaluation keeps what it has done, and when it stops.
package struct EvaluationKeeping: Sendable {
  /// The results' folder, where an unfinished evaluation keeps its trainings; nil for nowhere.
  package var folder: String?
  /// Whether what another evaluation has done, or a damaged file of it, may be thrown away. What this
  /// evaluation has done is taken up all the same: a queue starts the same command line again.
  package var replacesOthers: Bool
  /// Why to stop, asked for again and again, on any thread; nil for going on.
  package var stopReason: @Sendable () -> String?
  /// Gets to know what went wrong and does not matter much.
  package var warn: @Sendable (String) -> Void
  /// What trainings in hand get to finish before they are left, each with a checkpoint.
  var grace = Duration.seconds(5)

  package init(
    folder: String?, replacesOthers: Bool = false,
    stopReason: @escaping @Sendable () -> String? = { nil },
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    (self.folder, self.replacesOthers, self.stopReason, self.warn) = (
      folder, replacesOthers, stopReason, warn
    )
  }

  /// Keeps nothing and goes on to the end.
  package static let nothing = EvaluationKeeping(folder: nil)
}

/// How far an evaluation has come, on all ranks.
package struct EvaluationProgress: Sendable {
  /// Trainings done, those of earlier runs too, and all.
  package let done: Int
  package let total: Int
  /// What the rest will take at the pace of this run.
  package let remainingSeconds: Double
}

/// An evaluation stopped early, and what it has done is kept.
package struct EvaluationStopped: Error, CustomStringConvertible {
  package let reason: String
  package let done: Int
  package let total: Int

  package var description: String {
    "evaluation stopped early (\(reason)): \(done) of \(total) trainings are done"
  }
}

/// Since when a stop is asked for: trainings that are nearly done are not worth leaving.
final class StopRequest: Sendable {
  private let stopReason: @Sendable () -> String?
  private let grace: Duration
  private let since = Mutex<ContinuousClock.Instant?>(nil)

  init(_ keeping: EvaluationKeeping) {
    (stopReason, grace) = (keeping.stopReason, keeping.grace)
  }

  /// Why no training is begun any more; nil for going on.
  var reason: String? {
    guard let reason = stopReason() else { return nil }
    since.withLock { if $0 == nil { $0 = .now } }
    return reason
  }

  /// Why trainings in hand are left; nil for going on.
  var reasonToLeave: String? {
    guard let reason else { return nil }
    return since.withLock { $0! } + grace <= .now ? reason : nil
  }
}
