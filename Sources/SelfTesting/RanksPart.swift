internal import Communication
internal import Files
internal import Tensors

/// Has the ranks say to each other everything that they can: the result is that of one rank alone.
struct RanksPart {
  let communicator: any Communicator

  /// Numbers that are cut into a share for each rank.
  private static let count = 1_500_000
  private static let tag = Tag(rawValue: 7)

  func run() throws -> [SelfTestDigest] {
    var generator = SeededGenerator(seed: 3)
    let all = (0..<Self.count).map { _ in Int64(bitPattern: generator.next()) }
    let size = communicator.size
    let share = all.count * communicator.rank / size..<all.count * (communicator.rank + 1) / size
    return [
      SelfTestDigest("ranks allreduce", try reduced(all, share)),
      SelfTestDigest("ranks broadcast and gather", try gathered(all, share)),
      SelfTestDigest("ranks messages", try sent(all, share)),
    ]
  }

  /// Every rank's share added to nothing of the others.
  private func reduced(_ all: [Int64], _ share: Range<Int>) throws -> SHA256Digest.Hasher {
    var hasher = SHA256Digest.Hasher()
    for reduction in [Reduction.sum, .maximum] {
      var values = [Int64](repeating: reduction == .sum ? 0 : Int64.min, count: all.count)
      for i in share { values[i] = all[i] }
      try communicator.allreduce(&values, reduction)
      hasher.update(Self.bytes(values[...]))
    }
    return hasher
  }

  /// Rank 0 gathers all shares and tells them to everybody.
  private func gathered(_ all: [Int64], _ share: Range<Int>) throws -> SHA256Digest.Hasher {
    let parts = try communicator.gather(Self.bytes(all[share]), root: 0)
    var bytes = Array(parts.joined())
    try communicator.broadcast(&bytes, root: 0)
    var hasher = SHA256Digest.Hasher()
    hasher.update(bytes)
    return hasher
  }

  /// Every rank sends its share to the next, in a long message and a short one, and tells rank 0 what came.
  private func sent(_ all: [Int64], _ share: Range<Int>) throws -> SHA256Digest.Hasher {
    let next = (communicator.rank + 1) % communicator.size
    try communicator.send(Self.bytes(all[share]), to: next, tag: Self.tag)
    try communicator.send([1], to: next, tag: Self.tag)
    var came: [[UInt8]] = []
    var backoff = Backoff()
    while came.count < 2 {
      if let message = try communicator.receive(tag: Self.tag) {
        came.append(message.bytes)
      } else {
        backoff.wait(try communicator.transfer())
      }
    }
    try communicator.flush()
    var parts = try communicator.gather(came[0], root: 0)
    // Rank 1 has what rank 0 sent.
    if !parts.isEmpty { parts.append(parts.removeFirst()) }
    var bytes = Array(parts.joined()) + came[1]
    try communicator.broadcast(&bytes, root: 0)
    var hasher = SHA256Digest.Hasher()
    hasher.update(bytes)
    return hasher
  }

  private static func bytes(_ values: ArraySlice<Int64>) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian, Array.init) }
  }
}
