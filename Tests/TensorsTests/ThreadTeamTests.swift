import Synchronization
import Tensors
import Testing

@Suite struct ThreadTeamTests {
  private struct Failure: Error, Equatable {
    let index: Int
  }

  /// Whichever thread fails first, and however many do.
  @Test(arguments: [1, 2, 4])
  func lowestIndexesErrorWins(_ threads: Int) {
    let team = ThreadTeam(threadCount: threads)
    for round in 0..<20 {
      let failing = [97, 40, 41, 3 + round]
      #expect(throws: Failure(index: 3 + round)) {
        try team.forEach(100) { index, _ in
          // The lowest fails last, as far as other threads can have it so.
          if index == 3 + round { for _ in 0..<10_000 { _ = Failure(index: index) } }
          if failing.contains(index) { throw Failure(index: index) }
        }
      }
      #expect(throws: Failure(index: 3 + round)) {
        _ = try team.throwingMap(100) { index, _ -> Int in
          if failing.contains(index) { throw Failure(index: index) }
          return index
        }
      }
    }
  }

  @Test func everyIterationRunsThoughSomeFail() {
    let team = ThreadTeam(threadCount: 3)
    let ran = team.map(50) { index, _ in index }
    #expect(ran == Array(0..<50))
    let count = Atomic<Int>(0)
    #expect(throws: Failure(index: 0)) {
      try team.forEach(50) { index, _ in
        count.add(1, ordering: .relaxed)
        if index % 7 == 0 { throw Failure(index: index) }
      }
    }
    #expect(count.load(ordering: .relaxed) == 50)
  }
}
