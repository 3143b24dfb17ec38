/// When a training writes checkpoints and stops, and whom it tells.
package struct TrainingSchedule {
  /// What a training says while it runs.
  package struct Progress: Sendable {
    package var iteration: Int
    package var total: Int
    package var epoch: Int
    /// Means of the epoch so far.
    package var loss: Double
    package var accuracy: Double
    package var imagesPerSecond: Double
    package var secondsLeft: Double
  }

  /// Where to keep what is not finished.
  package var checkpointPath: String
  /// The least time between two checkpoints that nobody asked for.
  package var interval: Duration
  /// A checkpoint that is damaged, or of another training, may be thrown away.
  package var startsAnew = false
  /// Why to stop, asked for again and again; nil for going on.
  package var stopReason: @Sendable () -> String?
  package var warn: (String) -> Void = { _ in }
  package var inform: (String) -> Void = { _ in }
  /// Called on rank 0 after each step, and with an epoch's record after each epoch.
  package var progress: (Progress) -> Void = { _ in }
  package var epochEnded: (EpochRecord) -> Void = { _ in }

  package init(
    checkpointPath: String, interval: Duration,
    stopReason: @escaping @Sendable () -> String? = { nil }
  ) {
    (self.checkpointPath, self.interval, self.stopReason) = (checkpointPath, interval, stopReason)
  }
}

/// Training stopped early, and what it has reached is kept.
package struct NetworkTrainingStopped: Error, CustomStringConvertible {
  package let reason: String
  package let iteration: Int
  package let total: Int
  /// The checkpoint; nil where there was nothing yet to keep.
  package let checkpoint: String?

  package var description: String {
    let kept = checkpoint.map { "\($0) is written, " } ?? ""
    return "training stopped early after \(iteration) of \(total) iterations (\(reason)); "
      + "\(kept)the same command line continues"
  }
}
