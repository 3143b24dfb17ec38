internal import Foundation

extension Communicator {
  /// Runs `body` while this rank goes on saying that it lives: for a step that may take long on one
  /// rank while others wait for it, such as reading a list of a hundred million lines.
  ///
  /// `body` runs on a thread of its own, while the caller, whose communicator this is, waits for it:
  /// it must not use the communicator. Alone, a rank has nobody to say anything to.
  package func beating<Result>(_ body: () throws -> Result) throws -> Result {
    if size == 1 { return try body() }
    // The caller waits, so what `body` captures is used by one thread at a time.
    return try withoutActuallyEscaping(body) { body in
      // Let go of before the caller goes on: a thread may outlive its work for a moment.
      nonisolated(unsafe) var body: (() throws -> Result)? = body
      nonisolated(unsafe) var outcome: Swift.Result<Result, any Error>?
      let done = DispatchSemaphore(value: 0)
      let thread = Thread {
        outcome = Swift.Result { try body!() }
        body = nil
        done.signal()
      }
      thread.stackSize = 1 << 23
      thread.start()
      while done.wait(timeout: .now() + .milliseconds(100)) == .timedOut { beat() }
      return try outcome!.get()
    }
  }
}
