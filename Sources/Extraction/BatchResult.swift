package import Features

/// What a worker made of one batch.
package struct BatchResult: Equatable, Sendable {
  /// The record that goes into the journal.
  package let finished: FinishedRows
  /// One byte array a layer: the batch's rows as they lie in the store; empty when the worker has
  /// written them itself.
  package let data: [[UInt8]]
  package let timing: WorkTiming

  package init(finished: FinishedRows, data: [[UInt8]], timing: WorkTiming) {
    self.finished = finished
    self.data = data
    self.timing = timing
  }
}

/// Where a worker's time went; sums over batches.
package struct WorkTiming: Equatable, Sendable {
  package var images = 0
  package var failures = 0
  /// Waiting for files that are still being read, seconds of all threads.
  package var readSeconds = 0.0
  /// Decoding and transforming, seconds of all threads.
  package var decodeSeconds = 0.0
  /// The network, wall-clock seconds.
  package var computeSeconds = 0.0
  /// Writing rows (direct mode), wall-clock seconds.
  package var writeSeconds = 0.0
  /// Waiting for a batch, wall-clock seconds.
  package var idleSeconds = 0.0

  package init() {}

  /// Adds another batch's counts and times.
  package static func += (sum: inout Self, other: Self) {
    sum.images += other.images
    sum.failures += other.failures
    sum.readSeconds += other.readSeconds
    sum.decodeSeconds += other.decodeSeconds
    sum.computeSeconds += other.computeSeconds
    sum.writeSeconds += other.writeSeconds
    sum.idleSeconds += other.idleSeconds
  }
}

/// Seconds since `start`.
func seconds(since start: ContinuousClock.Instant) -> Double {
  let elapsed = ContinuousClock.now - start
  return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
}
