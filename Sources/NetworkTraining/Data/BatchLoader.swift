internal import Foundation
internal import Tensors

/// Reads the images of the next batch while a batch is computed.
final class BatchLoader {
  private let reader: ImageReader
  let buffer: FloatBuffer
  private let done = DispatchSemaphore(value: 0)
  private var isReading = false
  /// What the reading thread found; read once it has signalled.
  private final class Outcome: @unchecked Sendable {
    // Invariant behind `@unchecked`: written before `done` is signalled, read after it was waited for.
    var failures: [String?] = []
  }
  private var outcome = Outcome()

  /// - Parameter buffer: room for the rank's images of a batch.
  init(_ reader: ImageReader, buffer: FloatBuffer) { (self.reader, self.buffer) = (reader, buffer) }

  /// Begins to read rows of the list.
  ///
  /// - Precondition: what was begun before is finished.
  func start(_ rows: [Int], streams: [UInt64]) {
    precondition(!isReading, "a batch is being read")
    isReading = true
    outcome = Outcome()
    let thread = Thread { [reader, buffer, done, outcome] in
      outcome.failures = reader.read(rows, streams: streams, into: buffer)
      done.signal()
    }
    thread.stackSize = 1 << 23
    thread.start()
  }

  /// Waits for the images.
  ///
  /// - Parameter pulse: called again and again meanwhile.
  /// - Returns: for each row why it could not be read.
  func finish(_ pulse: () -> Void = {}) -> [String?] {
    guard isReading else { return [] }
    while done.wait(timeout: .now() + .milliseconds(100)) == .timedOut { pulse() }
    isReading = false
    return outcome.failures
  }
}
