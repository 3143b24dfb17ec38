internal import Communication
internal import Files

/// Keeps what the making of a codebook has reached in a file, so that it can stop and continue.
///
/// All ranks decide alike whether to write and whether to stop; rank 0 reads and writes.
package final class CodebookCheckpointer {
  /// When to write and when to stop.
  package struct Schedule {
    /// The least time between two writes that nobody asked for.
    package var interval: Duration
    /// A checkpoint that is damaged, or of other words, may be thrown away.
    package var startsAnew: Bool
    /// Why to stop, asked for again and again; nil for going on.
    package var stopReason: @Sendable () -> String?
    /// Gets to know what went wrong and does not matter much.
    package var warn: (String) -> Void

    package init(
      interval: Duration, startsAnew: Bool = false,
      stopReason: @escaping @Sendable () -> String? = { nil },
      warn: @escaping (String) -> Void = { _ in }
    ) {
      (self.interval, self.startsAnew, self.stopReason) = (interval, startsAnew, stopReason)
      self.warn = warn
    }
  }

  let path: String
  let schedule: Schedule
  let job: JSONValue
  let communicator: any Communicator
  private let requireSoundInputs: () throws -> Void
  private var lastWrite = ContinuousClock.now

  /// - Parameters:
  ///   - job: what decides the words; rank 0's counts.
  ///   - requireSoundInputs: throws where what is read has changed: then nothing is written.
  init(
    _ path: String, job: JSONValue, _ schedule: Schedule, communicator: any Communicator,
    requireSoundInputs: @escaping () throws -> Void
  ) {
    (self.path, self.job, self.schedule) = (path, job, schedule)
    (self.communicator, self.requireSoundInputs) = (communicator, requireSoundInputs)
  }

  /// Writes a checkpoint where it is time, and stops where that was asked for; collective.
  ///
  /// To be called after some work, never before it: or a job of many short runs would never end.
  ///
  /// - Parameter progress: what to go on from.
  /// - Throws: `CodebookStopped`, on every rank; `JobFailure` when the file cannot be written then.
  func pause(_ progress: () -> CodebookProgress) throws {
    let reason = schedule.stopReason()
    let isDue = ContinuousClock.now >= lastWrite + schedule.interval
    var wish = [Int64(reason != nil ? 2 : isDue ? 1 : 0)]
    if communicator.size > 1 { try communicator.allreduce(&wish, .maximum) }
    if wish[0] == 0 { return }
    try communicator.agree { try requireSoundInputs() }
    do { try write(progress()) } catch let error as JobFailure where wish[0] == 1 {
      schedule.warn("the work goes on without a new checkpoint: \(error)")
    }
    if wish[0] == 2 { throw CodebookStopped(reason: reason ?? "asked for on another rank") }
    lastWrite = .now
  }

  /// Removes the file: the codebook is written. For rank 0.
  package static func remove(_ path: String) throws { try FileSystem.removeFile(path) }
}

/// The making of a codebook stopped early, and its checkpoint is written.
package struct CodebookStopped: Error, CustomStringConvertible {
  package let reason: String

  package var description: String { "stopped early (\(reason))" }
}
