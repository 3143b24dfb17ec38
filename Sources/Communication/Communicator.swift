package import Files

/// What a rank can say to the others of its job.
///
/// Deliberately not `Sendable`: every call is made on the one thread that made the communicator
/// (`MPI_THREAD_FUNNELED`). Calls that wait sleep between looks; only while a long message moves do they
/// look again at once, letting other threads go first. No wait is unbounded: every call takes in the
/// beats of other ranks, and one that waits throws `SilentRanks` when a rank that this one watches has
/// said nothing for too long.
package protocol Communicator: AnyObject {
  /// This process's number, in `0..<size`.
  var rank: Int { get }
  /// The number of ranks, fixed for the life of the job.
  var size: Int { get }
  /// The host this rank runs on, for messages to people.
  var hostName: String { get }

  /// What this rank is doing, for those that watch it.
  var activity: Activity { get set }
  /// What is known of the ranks that this one watches: all of them on rank 0, rank 0 on the others.
  var watch: RankWatch { get set }

  /// Says that this rank lives, when it is time; to be called where it computes for long.
  func beat()

  /// Hands a message over for delivery and returns without waiting for the receiver.
  ///
  /// Messages from one rank to another with one tag arrive in the order they were sent.
  ///
  /// - Parameter parts: the message's bytes, which arrive as one; those in blocks of memory are sent from
  ///   where they are.
  func send(_ parts: [SharedBytes], to destination: Int, tag: Tag) throws

  /// The next message with this tag from any rank, or nil when none has arrived completely.
  ///
  /// Never waits, not even for the rest of a message.
  func receive(tag: Tag) throws -> Message?

  /// Whether a long message to or from this rank is on its way: the next call moves it along, and a
  /// long wait until then delays it.
  func transfer() throws -> Transfer

  /// Returns when every message this rank has sent is on its way and its memory is free.
  func flush() throws

  /// Replaces `values` by their element-wise reduction over all ranks.
  ///
  /// Collective: every rank must call this, in the same order, with equally many values; each rank
  /// holds the same result afterwards. Integer sums wrap silently: the caller bounds them.
  func allreduce(_ values: inout [Int64], _ reduction: Reduction) throws

  /// Replaces `bytes` on every rank by those of `root`.
  ///
  /// Collective: every rank must call this, in the same order. What non-roots pass is ignored.
  func broadcast(_ bytes: inout [UInt8], root: Int) throws

  /// The bytes of all ranks, in rank order, on `root`; an empty array elsewhere.
  ///
  /// Collective: every rank must call this, in the same order. Lengths may differ.
  func gather(_ bytes: [UInt8], root: Int) throws -> [[UInt8]]

  /// Returns when every rank has called it. Collective.
  func barrier() throws

  /// Ends every rank of the job at once, with this exit status.
  func abort(_ status: ExitStatus) -> Never
}

extension Communicator {
  /// Hands `bytes` over for delivery and returns without waiting for the receiver.
  package func send(_ bytes: [UInt8], to destination: Int, tag: Tag) throws {
    try send([SharedBytes(bytes)], to: destination, tag: tag)
  }
}

/// Separates kinds of messages that must not be mistaken for each other.
package struct Tag: RawRepresentable, Hashable, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }
}

/// A received message and the rank that sent it.
package struct Message: Sendable, Equatable {
  package let source: Int
  /// What was sent, where it arrived.
  package let body: SharedBytes

  /// What was sent, as an array; for short messages.
  package var bytes: [UInt8] { body.array }

  package init(source: Int, body: SharedBytes) {
    self.source = source
    self.body = body
  }

  package init(source: Int, bytes: [UInt8]) { self.init(source: source, body: SharedBytes(bytes)) }
}

/// How `allreduce` combines two elements.
package enum Reduction: Sendable {
  case sum, maximum, minimum

  /// The two elements combined; sums wrap.
  package func combine(_ a: Int64, _ b: Int64) -> Int64 {
    switch self {
    case .sum: a &+ b
    case .maximum: max(a, b)
    case .minimum: min(a, b)
    }
  }
}

/// What goes wrong between ranks.
package enum CommunicationError: Error, Equatable, CustomStringConvertible {
  /// A call into the message-passing library failed.
  case call(operation: String, rank: Int, reason: String)
  /// A message that this program does not send.
  case foreignMessage(from: Int)
  /// Ranks called the same reduction with different numbers of values (in-process ranks only).
  case lengthsDiffer(operation: String, rank: Int, count: Int, peer: Int, peerCount: Int)
  /// The peer's thread ended with an error while this rank waited for it (in-process ranks only).
  case peerFailed(rank: Int)
  /// Nothing arrived in time (in-process ranks only).
  case deadlineExceeded(rank: Int, operation: String)

  package var description: String {
    switch self {
    case .call(let operation, let rank, let reason):
      "\(operation) failed on rank \(rank): \(reason)"
    case .foreignMessage(let rank):
      "rank \(rank) sent a message that makes no sense; do all ranks run the same decaf?"
    case .lengthsDiffer(let operation, let rank, let count, let peer, let peerCount):
      "\(operation) of \(count) values on rank \(rank), but of \(peerCount) on rank \(peer)"
    case .peerFailed(let rank):
      "rank \(rank) failed while others waited for it"
    case .deadlineExceeded(let rank, let operation):
      "rank \(rank) waited too long in \(operation)"
    }
  }
}
