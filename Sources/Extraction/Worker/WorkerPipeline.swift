internal import FeatureStore
internal import Files
internal import Foundation

/// A rank's compute side: batches go in, results come out of one queue.
///
/// The thread that talks to other ranks only puts and polls; files are read ahead by some threads, another
/// leads the team that decodes and computes, and one writes rows where this rank writes its own.
final class WorkerPipeline: Sendable {
  /// What happened to a batch.
  enum Event: Sendable {
    case finished(BatchResult)
    /// The rank cannot go on; the whole job must end.
    case failed(rows: Range<Int>, any Error)
  }

  private struct Assigned: Sendable {
    let batch: Batch
    let firstFile: Int
  }

  private let assigned = Channel<Assigned>()
  private let events = Channel<Event>()
  private let state = WorkState()
  private let files: ReadAhead
  private let readsFiles: Bool

  /// - Parameters:
  ///   - makeExtractor: called on the pipeline's own thread, where the extractor then stays.
  ///   - faults: tells which files are to be unreadable on this host.
  ///   - inputs: what rows are computed with; none is handed over or written after one has changed.
  ///   - rowFiles: where to write rows in place; nil to hand them over with the result.
  init<Maker: RowMaker>(
    makeExtractor: @escaping @Sendable () throws -> Maker, faults: FaultInjection,
    hostName: String, inputs: [InputFile], rowFiles: RowFiles?
  ) {
    readsFiles = Maker.readsFiles
    files = ReadAhead { location in
      if faults.hides(location, on: hostName) { return .failure(FaultInjection.hidden) }
      return ReadAhead.read(location)
    }
    let writer = rowFiles.map { files in
      RowWriter(files, inputs: inputs) { [events] event in
        switch event {
        case .written(let item): events.push(.finished(item.result))
        case .failed(let rows, let error): events.push(.failed(rows: rows, error))
        }
      }
    }
    let thread = Thread { [assigned, events, files, state] in
      WorkingThread.mark()
      var rows = 0..<0
      do {
        let start = ContinuousClock.now
        let extractor = try makeExtractor()
        var startSeconds = seconds(since: start)
        while true {
          let begin = ContinuousClock.now
          guard let next = assigned.pop() else { break }
          let idle = seconds(since: begin)
          rows = next.batch.rows
          var result = try extractor.extract(
            next.batch, files: files, firstFile: next.firstFile, idleSeconds: idle, state: state)
          result.timing.startSeconds = startSeconds
          startSeconds = 0
          if let writer {
            writer.write(result)
          } else {
            try inputs.requireUnchanged()
            events.push(.finished(result))
          }
        }
      } catch {
        events.push(.failed(rows: rows, error))
      }
      writer?.close()
      files.close()
    }
    thread.name = "decaf-compute"
    thread.stackSize = 1 << 23
    thread.start()
  }

  func submit(_ batch: Batch) {
    let locations = readsFiles ? batch.items.map(\.location) : []
    assigned.push(Assigned(batch: batch, firstFile: files.append(locations)))
  }

  /// The next thing that happened, or nil when nothing has.
  func poll() -> Event? { events.poll() }

  /// Images decoded and images computed so far.
  var imageSteps: Int { state.imageSteps }

  /// An image that has been decoded for longer than `limit` seconds.
  func overdue(_ limit: Double) -> WorkState.InHand? { state.overdue(limit) }

  /// Finishes the images in hand; what is not begun comes back in the results of its batches.
  func stop() { state.stop() }

  /// Lets the threads end after the batches already submitted.
  func close() { assigned.close() }
}
