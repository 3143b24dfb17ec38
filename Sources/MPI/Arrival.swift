internal import Communication
internal import Files

/// What a message between ranks is, told by MPI's tag together with the tag of its user.
enum MessageKind: Int32 {
  /// A message as it is.
  case short
  /// The number of a long message, which waits to be granted, and the lengths of its parts.
  case announcement
  /// The parts of a granted message, in order.
  case pieces
  /// The number of the message whose pieces may go.
  case grant
  case beat

  /// Tags of users lie below it; MPI libraries know tags up to 32767 at least (MPI 3.1, 8.1.2).
  static let stride: Int32 = 4096

  func tag(_ tag: Int32) -> Int32 { rawValue * Self.stride + tag }
}

/// A message on its way to this rank.
final class Arrival {
  private(set) var kind: MessageKind
  let source: Int
  let tag: Int32
  private(set) var memory: MemoryBlock
  private var transit: Transit
  var isDelivered = false
  /// When a piece last came, or the message was granted.
  private(set) var lastMove = ContinuousClock.now

  init(
    kind: MessageKind, source: Int, tag: Int32, memory: MemoryBlock, _ request: Request
  ) {
    self.kind = kind
    self.source = source
    self.tag = tag
    self.memory = memory
    transit = Transit([request])
  }

  /// The tag of what is to be received by users; nil for grants and beats.
  var messageTag: Int32? { kind == .short || kind == .announcement ? tag : nil }

  var isLong: Bool { kind == .pieces }

  /// An announced message is granted: from now on its pieces arrive.
  func becomePieces(_ memory: MemoryBlock, _ requests: [Request]) {
    kind = .pieces
    self.memory = memory
    transit = Transit(requests)
    lastMove = .now
  }

  /// Bytes of a granted message that have not come.
  var restByteCount: Int { Int(Double(memory.byteCount) * transit.rest) }

  /// Moves the message along; see `Transit`.
  func advance(rank: Int) throws(CommunicationError) -> (hasMoved: Bool, isComplete: Bool) {
    let step = try transit.advance(rank: rank)
    if step.hasMoved && isLong { lastMove = .now }
    return step
  }

  /// The numbers that an announcement or a grant holds: a message's own and, of one that is announced, the
  /// lengths of its parts.
  func numbers() throws(CommunicationError) -> [Int64] {
    let size = MemoryLayout<Int64>.size
    guard !memory.bytes.isEmpty, memory.bytes.count.isMultiple(of: size) else {
      throw .foreignMessage(from: source)
    }
    return (0..<memory.bytes.count / size).map {
      Int64(littleEndian: memory.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))
    }
  }
}
