package import Communication
internal import Files

/// What every `Communicator` must do, written once: run with in-process ranks by the unit tests and
/// with real ones under `mpirun`.
///
/// Each rank contributes different data, so that a missing reduction changes the answer.
package enum CommunicatorConformance {
  /// A statement that did not hold.
  package struct Violation: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  /// Runs every check; collective.
  package static func check(_ communicator: some Communicator) throws {
    try reductionsGiveEveryRankTheSameResult(communicator)
    try reductionSpansSeveralTiles(communicator)
    try broadcastReplacesBytesOfAnyLength(communicator)
    try gatherKeepsRankOrderAndLengths(communicator)
    try messagesOfOnePairStayInOrder(communicator)
    try tagsDoNotMix(communicator)
    try largeMessagesCrossWithoutDeadlock(communicator)
    try partsArriveAsOneMessage(communicator)
    try barrierWaitsForEveryone(communicator)
  }

  private static func expect(_ condition: Bool, _ statement: @autoclosure () -> String) throws {
    if !condition { throw Violation(description: statement()) }
  }

  private static func reductionsGiveEveryRankTheSameResult(_ c: some Communicator) throws {
    let size = Int64(c.size)
    let own = [Int64(c.rank + 1), -Int64(c.rank), Int64.max / size]
    var sum = own
    try c.allreduce(&sum, .sum)
    try expect(
      sum == [size * (size + 1) / 2, -size * (size - 1) / 2, Int64.max / size * size],
      "sum on rank \(c.rank): \(sum)")
    var maximum = own
    try c.allreduce(&maximum, .maximum)
    try expect(maximum == [size, 0, Int64.max / size], "maximum on rank \(c.rank): \(maximum)")
    var minimum = own
    try c.allreduce(&minimum, .minimum)
    try expect(minimum == [1, 1 - size, Int64.max / size], "minimum on rank \(c.rank): \(minimum)")
    var nothing: [Int64] = []
    try c.allreduce(&nothing, .sum)
    try expect(nothing.isEmpty, "a reduction of nothing gave \(nothing)")
  }

  private static func reductionSpansSeveralTiles(_ c: some Communicator) throws {
    let count = (1 << 20) * 2 + 17
    var values = (0..<count).map { Int64($0 &* (c.rank + 1)) }
    try c.allreduce(&values, .sum)
    let factor = c.size * (c.size + 1) / 2
    let wrong = values.indices.first { values[$0] != Int64($0 * factor) }
    try expect(wrong == nil, "element \(wrong ?? 0) of a long reduction is wrong")
  }

  private static func broadcastReplacesBytesOfAnyLength(_ c: some Communicator) throws {
    for root in 0..<c.size {
      for length in [0, 1, 70_001] {
        let expected = (0..<length).map { UInt8(truncatingIfNeeded: $0 &+ root) }
        var bytes = c.rank == root ? expected : [255, 254]
        try c.broadcast(&bytes, root: root)
        try expect(bytes == expected, "broadcast of \(length) bytes from rank \(root)")
      }
    }
  }

  private static func gatherKeepsRankOrderAndLengths(_ c: some Communicator) throws {
    for root in 0..<c.size {
      let parts = try c.gather([UInt8](repeating: UInt8(c.rank), count: c.rank * 3), root: root)
      let expected =
        c.rank == root ? (0..<c.size).map { [UInt8](repeating: UInt8($0), count: $0 * 3) } : []
      try expect(parts == expected, "gather on rank \(root): \(parts)")
    }
  }

  private static func messagesOfOnePairStayInOrder(_ c: some Communicator) throws {
    let tag = Tag(rawValue: 11)
    let count = 50
    for number in 0..<count {
      try c.send([UInt8(number), UInt8(c.rank)], to: (c.rank + 1) % c.size, tag: tag)
    }
    for number in 0..<count {
      let message = try wait(c, tag: tag)
      try expect(
        message.source == (c.rank + c.size - 1) % c.size
          && message.bytes == [UInt8(number), UInt8(message.source)],
        "message \(number) arrived as \(message.bytes) from rank \(message.source)")
    }
    try c.flush()
  }

  private static func tagsDoNotMix(_ c: some Communicator) throws {
    let next = (c.rank + 1) % c.size
    try c.send([1], to: next, tag: Tag(rawValue: 21))
    try c.send([2], to: next, tag: Tag(rawValue: 22))
    try expect(try wait(c, tag: Tag(rawValue: 22)).bytes == [2], "tag 22 brought another message")
    try expect(try wait(c, tag: Tag(rawValue: 21)).bytes == [1], "tag 21 brought another message")
    try expect(try c.receive(tag: Tag(rawValue: 23)) == nil, "a message that nobody sent")
  }

  private static func largeMessagesCrossWithoutDeadlock(_ c: some Communicator) throws {
    let tag = Tag(rawValue: 31)
    let bytes = [UInt8](repeating: UInt8(c.rank), count: 5_000_001)
    for other in 0..<c.size { try c.send(bytes, to: other, tag: tag) }
    for _ in 0..<c.size {
      let message = try wait(c, tag: tag)
      try expect(
        message.bytes.count == bytes.count && message.bytes.allSatisfy { $0 == message.source },
        "a large message from rank \(message.source) arrived damaged")
    }
    try c.flush()
  }

  private static func partsArriveAsOneMessage(_ c: some Communicator) throws {
    let tag = Tag(rawValue: 51)
    // None; short ones; more than an announcement names; parts of less and of more than a piece.
    for lengths in [
      [], [3, 0, 5], [Int](repeating: 7, count: 1000), [1, 600_000, 0, 2_000_003, 9],
    ] {
      let whole = MemoryBlock((0..<lengths.reduce(0, +)).map { UInt8(truncatingIfNeeded: $0 / 3) })
      var end = 0
      let parts = lengths.map { length in
        defer { end += length }
        // Some in an array of their own, some where they are.
        let part = SharedBytes(whole)[end..<end + length]
        return length % 2 == 0 ? SharedBytes(part.array) : part
      }
      try c.send(parts, to: (c.rank + 1) % c.size, tag: tag)
      let message = try wait(c, tag: tag)
      try expect(message.body == SharedBytes(whole), "parts of \(lengths.prefix(5)) bytes")
    }
    try c.flush()
  }

  private static func barrierWaitsForEveryone(_ c: some Communicator) throws {
    // Rank 0 hears of every arrival before anyone leaves: each rank reports before its barrier.
    let tag = Tag(rawValue: 41)
    if c.rank != 0 { try c.send([UInt8(c.rank)], to: 0, tag: tag) }
    if c.rank == 0 { for _ in 1..<max(c.size, 1) { _ = try wait(c, tag: tag) } }
    try c.barrier()
    if c.rank != 0 {
      try expect(try c.receive(tag: tag) == nil, "the barrier let a message go astray")
    }
  }

  private static func wait(_ c: some Communicator, tag: Tag) throws -> Message {
    var backoff = Backoff()
    let deadline = ContinuousClock.now + .seconds(40)
    while ContinuousClock.now < deadline {
      if let message = try c.receive(tag: tag) { return message }
      backoff.wait(try c.transfer())
    }
    throw Violation(description: "nothing with tag \(tag.rawValue) reached rank \(c.rank)")
  }
}
