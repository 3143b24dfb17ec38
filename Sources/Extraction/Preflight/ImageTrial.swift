internal import Communication
internal import Files
internal import Foundation
internal import Images
internal import Synchronization

/// Reads some images, to see whether this host can: within bounded time, whatever a file server does.
enum ImageTrial {
  /// Of each image, why it cannot be read; empty where it can.
  ///
  /// - Parameters:
  ///   - limit: seconds for all of them, after which those that are left have no answer.
  ///   - communicator: goes on saying that this rank lives.
  static func run(
    _ locations: [ByteString], limit: Double, faults: FaultInjection,
    _ communicator: any Communicator
  ) -> [String] {
    let results = Results(count: locations.count)
    let host = communicator.hostName
    // Never waited for without end: a read from a server that is gone does not return.
    let thread = Thread {
      for (index, location) in locations.enumerated() {
        results.set(index, message(location, faults, host))
      }
      results.done.signal()
    }
    thread.name = "decaf-image-trial"
    thread.start()
    let begin = ContinuousClock.now
    while results.done.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      communicator.beat()
      if seconds(since: begin) > limit { break }
    }
    return results.all(otherwise: "no answer within \(Int(limit.rounded(.up))) s")
  }

  private static func message(
    _ location: ByteString, _ faults: FaultInjection, _ host: String
  ) -> String {
    if faults.hides(location, on: host) { return FaultInjection.hidden.description }
    do throws(ImageError) {
      _ = try ImageFile.read(location)
      return ""
    } catch {
      // Of a file that can be read, what is in it is nobody's difference.
      if case .unreadable = error { return error.description }
      return ""
    }
  }

  private final class Results: Sendable {
    let done = DispatchSemaphore(value: 0)
    private let messages: Mutex<[String?]>

    init(count: Int) { messages = Mutex([String?](repeating: nil, count: count)) }

    func set(_ index: Int, _ message: String) { messages.withLock { $0[index] = message } }

    func all(otherwise: String) -> [String] { messages.withLock { $0.map { $0 ?? otherwise } } }
  }
}
