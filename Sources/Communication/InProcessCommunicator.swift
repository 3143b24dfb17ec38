package import Files
internal import Foundation
internal import Synchronization

/// Ranks that are threads of one process, for tests and for a plain process without a launcher.
package final class InProcessCommunicator: Communicator {
  package let rank: Int
  package var size: Int { hub.size }
  package let hostName: String
  package var activity = Activity(phase: "start")
  package var watch: RankWatch
  private let hub: Hub

  /// The only rank of a job of one.
  package static func alone() -> InProcessCommunicator {
    InProcessCommunicator(rank: 0, hub: Hub(size: 1, deadline: nil))
  }

  /// Runs `body` once per rank, each on its own thread, and returns their results in rank order.
  ///
  /// When one rank throws, the others are woken with `CommunicationError.peerFailed` from whatever
  /// they wait for, and the first error is thrown; a rank that traps counts as one that throws
  /// `RankTrap`. A rank that waits longer than `deadlineSeconds` throws instead of hanging.
  ///
  /// - Parameter hosts: what the ranks say that their hosts are called; default: this machine.
  package static func run<Result: Sendable>(
    size: Int, hosts: [String]? = nil, deadlineSeconds: Double = 60,
    _ body: @escaping @Sendable (InProcessCommunicator) throws -> Result
  ) throws -> [Result] {
    let hub = Hub(size: size, deadline: deadlineSeconds)
    let box = ResultBox(results: Mutex([Result?](repeating: nil, count: size)))
    let notes = (0..<size).map { _ in RankTraps.Note() }
    let group = DispatchGroup()
    try RankTraps.run {
      // Before there are threads: one may trap at once.
      let trapCount = RankTraps.count
      for rank in 0..<size {
        group.enter()
        let thread = Thread {
          RankTraps.adopt(notes[rank])
          do {
            let result = try body(
              InProcessCommunicator(rank: rank, hub: hub, hostName: hosts?[rank]))
            box.results.withLock { $0[rank] = result }
          } catch {
            hub.fail(rank: rank, error)
          }
          group.leave()
        }
        thread.stackSize = 1 << 23
        thread.start()
      }
      try wait(for: group, notes, trapCount: trapCount, hub)
    }
    if let failure = hub.firstFailure { throw failure }
    return box.results.withLock { $0.map { $0! } }
  }

  /// Waits until all ranks are done, but for those that trapped, which never will be.
  ///
  /// - Parameter trapCount: the traps of this process before they began.
  /// - Throws: `RankTrap`, once the other ranks have had time to end.
  private static func wait(
    for group: DispatchGroup, _ notes: [RankTraps.Note], trapCount: Int, _ hub: Hub
  ) throws {
    var deadline: Date?
    while group.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      if RankTraps.count == trapCount { continue }
      let trapped = notes.firstIndex { $0.isTrapped.load(ordering: .acquiring) }
      if let trapped { hub.fail(rank: trapped, RankTrap(rank: trapped)) }
      // A rank whose team's thread stands still waits for it for ever; one of another run does not.
      deadline = deadline ?? Date(timeIntervalSinceNow: trapped == nil ? 5 : 1)
      if deadline! < Date() { throw hub.firstFailure ?? RankTrap(rank: trapped) }
    }
  }

  private final class ResultBox<Result: Sendable>: Sendable {
    let results: Mutex<[Result?]>
    init(results: consuming Mutex<[Result?]>) { self.results = results }
  }

  private init(rank: Int, hub: Hub, hostName: String? = nil) {
    self.rank = rank
    self.hub = hub
    watch = RankWatch(rank: rank, size: hub.size)
    self.hostName = hostName ?? ProcessInfo.processInfo.hostName
  }

  package func beat() {
    guard size > 1, watch.isBeatDue() else { return }
    hub.note(Beat(hostName: hostName, activity: activity), of: rank)
  }

  /// Says that this rank lives, and sees whether those that it watches do.
  private func lookAround() throws {
    guard size > 1 else { return }
    beat()
    hub.readBeats { peer, beat, time in watch.heard(from: peer, beat, now: time) }
    try watch.check()
  }

  package func send(_ parts: [SharedBytes], to destination: Int, tag: Tag) throws {
    hub.post(SharedBytes(joining: parts), from: rank, to: destination, tag: tag)
  }

  package func receive(tag: Tag) throws -> Message? {
    if let message = try hub.take(at: rank, tag: tag, from: nil) { return message }
    try lookAround()
    return nil
  }

  package func transfer() throws -> Transfer { .none }

  package func flush() throws {}

  package func allreduce(_ values: inout [Int64], _ reduction: Reduction) throws {
    if size == 1 { return }
    let bytes = values.withUnsafeBytes { [UInt8]($0) }
    for part in try exchange(bytes, operation: "allreduce") where part.source != rank {
      // Thrown, not trapped: it is what a rank can cause, and must not end the whole process.
      let count = part.bytes.count / MemoryLayout<Int64>.stride
      if count != values.count {
        throw CommunicationError.lengthsDiffer(
          operation: "allreduce", rank: rank, count: values.count, peer: part.source,
          peerCount: count)
      }
      part.bytes.withUnsafeBytes { raw in
        let other = raw.bindMemory(to: Int64.self)
        for i in values.indices { values[i] = reduction.combine(values[i], other[i]) }
      }
    }
  }

  package func broadcast(_ bytes: inout [UInt8], root: Int) throws {
    if rank == root {
      for other in 0..<size where other != root {
        hub.post(bytes, from: rank, to: other, tag: .collective)
      }
    } else {
      bytes = try wait(from: root, "broadcast")
    }
  }

  package func gather(_ bytes: [UInt8], root: Int) throws -> [[UInt8]] {
    guard rank == root else {
      hub.post(bytes, from: rank, to: root, tag: .collective)
      return []
    }
    return try (0..<size).map { try $0 == rank ? bytes : wait(from: $0, "gather") }
  }

  package func barrier() throws {
    _ = try exchange([], operation: "barrier")
  }

  package func abort(_ status: ExitStatus) -> Never { exit(status.rawValue) }

  /// Everybody's bytes, on everybody.
  private func exchange(_ bytes: [UInt8], operation: String) throws -> [Message] {
    for other in 0..<size where other != rank {
      hub.post(bytes, from: rank, to: other, tag: .collective)
    }
    return try (0..<size).map {
      Message(source: $0, bytes: $0 == rank ? bytes : try wait(from: $0, operation))
    }
  }

  private func wait(from source: Int, _ operation: String) throws -> [UInt8] {
    let start = ContinuousClock.now
    while true {
      // Woken when anything arrives, and before a beat is due.
      let found = try hub.take(
        at: rank, tag: .collective, from: source, waiting: min(0.1, watch.interval))
      if let found { return found.bytes }
      try lookAround()
      if let deadline = hub.deadline, ContinuousClock.now - start > .seconds(deadline) {
        throw CommunicationError.deadlineExceeded(rank: rank, operation: operation)
      }
    }
  }
}

extension Tag {
  /// Collectives of in-process ranks; kept apart from what callers send.
  fileprivate static let collective = Tag(rawValue: -1)
}

/// The letter boxes of all ranks.
private final class Hub: @unchecked Sendable {
  // Invariant behind `@unchecked`: every access to the variables holds `condition`.
  let size: Int
  /// Seconds after which a rank that waits gives up.
  let deadline: Double?
  private let condition = NSCondition()
  private var boxes: [[(tag: Tag, message: Message)]]
  private var failure: (rank: Int, error: any Error)?
  /// Each rank's last beat and when it came.
  private var beats: [Int: (beat: Beat, time: ContinuousClock.Instant)] = [:]

  init(size: Int, deadline: Double?) {
    precondition(size >= 1, "a job needs a rank")
    self.size = size
    self.deadline = deadline
    boxes = Array(repeating: [], count: size)
  }

  var firstFailure: (any Error)? { condition.withLock { failure?.error } }

  func fail(rank: Int, _ error: any Error) {
    condition.withLock {
      if failure == nil { failure = (rank, error) }
      condition.broadcast()
    }
  }

  func post(_ bytes: [UInt8], from source: Int, to destination: Int, tag: Tag) {
    post(SharedBytes(bytes), from: source, to: destination, tag: tag)
  }

  func post(_ body: SharedBytes, from source: Int, to destination: Int, tag: Tag) {
    condition.withLock {
      boxes[destination].append((tag, Message(source: source, body: body)))
      condition.broadcast()
    }
  }

  func note(_ beat: Beat, of rank: Int) {
    condition.withLock { beats[rank] = (beat, .now) }
  }

  func readBeats(_ body: (Int, Beat, ContinuousClock.Instant) -> Void) {
    for (rank, entry) in condition.withLock({ beats }) { body(rank, entry.beat, entry.time) }
  }

  /// The first message that fits, after at most `seconds` in which it may arrive.
  func take(
    at rank: Int, tag: Tag, from source: Int?, waiting seconds: Double = 0
  ) throws -> Message? {
    let limit = Date(timeIntervalSinceNow: seconds)
    return try condition.withLock {
      while true {
        let found = boxes[rank].firstIndex {
          $0.tag == tag && (source == nil || $0.message.source == source)
        }
        if let found { return boxes[rank].remove(at: found).message }
        if let failure { throw CommunicationError.peerFailed(rank: failure.rank) }
        if seconds == 0 || !condition.wait(until: limit) { return nil }
      }
    }
  }
}
