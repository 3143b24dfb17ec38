internal import Communication
internal import Files

/// What a message between ranks is, told by MPI's tag together with the tag of its user.
enum MessageKind: Int32 {
  /// A message as it is.
  case short
  /// The number and length of a long message, which waits to be granted.
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
  private var requests: [Request]
  var isDelivered = false

  init(
    kind: MessageKind, source: Int, tag: Int32, memory: MemoryBlock, requests: [Request]
  ) {
    self.kind = kind
    self.source = source
    self.tag = tag
    self.memory = memory
    self.requests = requests
  }

  /// The tag of what is to be received by users; nil for grants and beats.
  var messageTag: Int32? { kind == .short || kind == .announcement ? tag : nil }

  var isLong: Bool { kind == .pieces }

  /// An announced message is granted: from now on its pieces arrive.
  func becomePieces(_ memory: MemoryBlock, _ requests: [Request]) {
    kind = .pieces
    self.memory = memory
    self.requests = requests
  }

  func isComplete(rank: Int) throws(CommunicationError) -> Bool {
    while let last = requests.last {
      if try !last.isComplete(rank: rank) { return false }
      requests.removeLast()
    }
    return true
  }

  /// The numbers that an announcement or a grant holds.
  func numbers(count: Int) throws(CommunicationError) -> [Int64] {
    guard memory.bytes.count == count * MemoryLayout<Int64>.size else {
      throw .foreignMessage(from: source)
    }
    return (0..<count).map {
      Int64(littleEndian: memory.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))
    }
  }
}
