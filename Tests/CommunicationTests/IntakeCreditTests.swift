import Testing

@testable import Communication

@Suite struct IntakeCreditTests {
  @Test func laterMessagesWaitForEarlierOnes() {
    let most = IntakeCredit.mostMoving
    var credit = IntakeCredit(held: most, moving: most, underWay: [1: 1])
    // Neither a smaller one of the same rank nor one of another goes before the one without room.
    #expect(credit.grants([(most, 2), (1, 2), (1, 3)]) == [false, false, false])
    #expect(credit.held == most)
  }

  @Test func aRankHasFewMessagesUnderWayAndKeepsNobodyElseWaiting() {
    var credit = IntakeCredit(held: 0, moving: 0, underWay: [:])
    #expect(
      credit.grants([(10, 1), (10, 1), (10, 1), (10, 2), (1, 1)])
        == [true, true, false, true, false])
    #expect(credit.underWay == [1: IntakeCredit.mostOfRank, 2: 1])
  }

  @Test func oneMessageIsAlwaysGranted() {
    var credit = IntakeCredit(held: 0, moving: 0, underWay: [:])
    #expect(credit.grants([(10 * IntakeCredit.most, 1), (1, 2)]) == [true, false])
  }

  @Test func whatDoesNotMoveKeepsNobodyElseWaiting() {
    let most = IntakeCredit.mostMoving
    var credit = IntakeCredit(held: most, moving: 0, underWay: [1: 1])
    #expect(credit.grants([(most, 2), (1, 3)]) == [true, false])
  }

  /// Ranks announce messages of any size, which arrive in any order and are taken in the order in which
  /// each rank sent them; in the end all have been.
  @Test(arguments: 0..<40) func everythingArrivesInTheEnd(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    var announced = (0..<200).map { number in
      (
        number: number, rank: Int.random(in: 1...20, using: &random),
        byteCount: Int.random(in: 1...(40 << 20), using: &random)
      )
    }
    var sent = Dictionary(grouping: announced, by: \.rank).mapValues { $0.map(\.number) }
    var moving = announced.prefix(0).map(\.self)
    var arrived = moving
    var (held, underWay) = (0, [Int: Int]())
    var looks = 0
    while !announced.isEmpty || !moving.isEmpty || !arrived.isEmpty, looks < 10_000 {
      looks += 1
      var credit = IntakeCredit(
        held: held, moving: moving.reduce(0) { $0 + $1.byteCount }, underWay: underWay)
      announced.removeAll { message in
        guard credit.grant(message.byteCount, from: message.rank) else { return false }
        moving.append(message)
        return true
      }
      (held, underWay) = (credit.held, credit.underWay)
      if let message = moving.randomElement(using: &random) {
        moving.removeAll { $0.number == message.number }
        underWay[message.rank]! -= 1
        arrived.append(message)
      }
      arrived.removeAll { message in
        guard sent[message.rank]!.first == message.number else { return false }
        sent[message.rank]!.removeFirst()
        held -= message.byteCount
        return true
      }
    }
    #expect(looks < 10_000)
    #expect(held == 0)
  }
}

extension IntakeCredit {
  /// Which of these messages, in the order in which they were announced, are granted.
  fileprivate mutating func grants(_ messages: [(byteCount: Int, rank: Int)]) -> [Bool] {
    messages.map { grant($0.byteCount, from: $0.rank) }
  }
}

/// Numbers that look random; Steele, Lea and Flood (2014).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
