internal import Communication
package import Files

/// A worker on a rank of its own: passes orders to the pipeline and results to rank 0.
struct RemoteWorker {
  let communicator: any Communicator
  let pipeline: WorkerPipeline
  /// Seconds that an image may be decoded.
  let imageTimeout: Double

  /// Works until the coordinator says that all is done.
  ///
  /// - Throws: `WorkerFailure` when the pipeline fails, `OverdueImage`, `SilentRanks`,
  ///   `CommunicationError`.
  func run() throws {
    var backoff = Backoff()
    var stopTime: ContinuousClock.Instant?
    var hasAsked = false
    var hasAbandoned = false
    while true {
      var isIdle = true
      while let message = try communicator.receive(tag: WorkerOrder.tag) {
        isIdle = false
        switch try WorkerOrder(decoding: message.body) {
        case .extract(let batch):
          pipeline.submit(batch)
        case .stop:
          pipeline.stop()
          stopTime = stopTime ?? .now
        case .finish:
          pipeline.close()
          return try communicator.flush()
        }
      }
      while !hasAbandoned, let event = pipeline.poll() {
        isIdle = false
        switch event {
        case .finished(let result): try report(.finished(result))
        case .failed(let rows, let error): throw WorkerFailure(rows: rows, cause: error)
        }
      }
      communicator.activity.images = pipeline.imageSteps
      if stopTime == nil { try pipeline.requireProgress(imageTimeout) }
      if let signal = StopSignal.name, !hasAsked {
        hasAsked = true
        try report(.stopRequested(signal))
      }
      if let stopTime, !hasAbandoned, seconds(since: stopTime) > StopLimits.image {
        hasAbandoned = true
        try report(.abandoned)
      }
      if isIdle {
        backoff.wait(try communicator.transfer())
      } else {
        backoff.reset()
      }
    }
  }

  private func report(_ report: WorkerReport) throws {
    try communicator.send(report.encoded, to: 0, tag: WorkerReport.tag)
  }
}

/// What stopped a worker's pipeline, and the rows it was at.
package struct WorkerFailure: ErrorWithStatus, CustomStringConvertible {
  package let rows: Range<Int>
  package let cause: any Error

  package var description: String {
    rows.isEmpty ? "\(cause)" : "rows \(rows.lowerBound)–\(rows.upperBound - 1): \(cause)"
  }

  package var exitStatus: ExitStatus { ExitStatus(of: cause) }
}
