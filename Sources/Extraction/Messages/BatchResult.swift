package import ConvNet
package import FeatureStore
package import Files

/// What a worker made of one batch.
package struct BatchResult: Equatable, Sendable {
  /// Consecutive rows that are finished.
  package struct Part: Equatable, Sendable {
    /// The record that goes into the journal.
    package let finished: FinishedRows
    /// One byte array a layer: the part's rows as they lie in the store; empty when the worker has
    /// written them itself.
    package internal(set) var data: [SharedBytes]

    package init(finished: FinishedRows, data: [SharedBytes]) {
      self.finished = finished
      self.data = data
    }
  }

  /// The batch's rows.
  package let rows: Range<Int>
  /// The last of them, which were not begun before a stop; mostly none.
  package let returned: Range<Int>
  /// Ascending: all other rows but the unreadable ones.
  package internal(set) var parts: [Part]
  /// Rows whose files could not be read here, ascending. Nothing is recorded of them yet.
  package let unreadable: [RowException]
  package internal(set) var timing: WorkTiming

  /// - Parameter returned: nil for none.
  package init(
    rows: Range<Int>, returned: Range<Int>? = nil, parts: [Part], unreadable: [RowException],
    timing: WorkTiming
  ) {
    self.rows = rows
    self.returned = returned ?? rows.upperBound..<rows.upperBound
    self.parts = parts
    self.unreadable = unreadable
    self.timing = timing
  }
}

/// Where a worker's time went; sums over batches.
package struct WorkTiming: Equatable, Sendable {
  /// Images whose files could be read.
  package var images = 0
  package var failures = 0
  /// Packing weights, before the first batch, wall-clock seconds.
  package var startSeconds = 0.0
  /// Waiting for files that are still being read, seconds of all threads.
  package var readSeconds = 0.0
  /// Decoding, seconds of all threads.
  package var decodeSeconds = 0.0
  /// Resizing, cropping, subtracting the mean: seconds of all threads.
  package var transformSeconds = 0.0
  /// The network, wall-clock seconds.
  package var computeSeconds = 0.0
  /// Making the bytes of rows and their checksums, wall-clock seconds.
  package var rowSeconds = 0.0
  /// Writing rows (direct mode), wall-clock seconds.
  package var writeSeconds = 0.0
  /// Waiting for a batch, wall-clock seconds.
  package var idleSeconds = 0.0
  /// The network by layer, seconds of all threads.
  package var layers: [LayerTime] = []

  package init() {}

  /// Work, in whatever part: what is to be equal on all ranks.
  var busySeconds: Double { decodeSeconds + transformSeconds + computeSeconds + rowSeconds }

  /// The times that are single numbers, in the order in which messages hold them.
  static let parts: [any WritableKeyPath<WorkTiming, Double> & Sendable] = [
    \.startSeconds, \.readSeconds, \.decodeSeconds, \.transformSeconds, \.computeSeconds,
    \.rowSeconds, \.writeSeconds, \.idleSeconds,
  ]

  /// Adds another batch's counts and times.
  package static func += (sum: inout Self, other: Self) {
    sum.images += other.images
    sum.failures += other.failures
    for part in parts { sum[keyPath: part] += other[keyPath: part] }
    if sum.layers.isEmpty {
      sum.layers = other.layers
    } else {
      // One plan makes the layers of all batches.
      for (i, time) in other.layers.enumerated() { sum.layers[i].seconds += time.seconds }
    }
  }
}

/// Seconds since `start`.
func seconds(since start: ContinuousClock.Instant) -> Double {
  let elapsed = ContinuousClock.now - start
  return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
}
