import Communication
import Testing

/// Steps of one rank alone, during which others wait for it.
struct BeatingTests {
  /// Far longer than the time limit: the rank that works is heard of all the time.
  @Test func aLongStepIsNotSilence() throws {
    let results = try InProcessCommunicator.run(size: 3) { communicator in
      communicator.watch.limit = 0.4
      var result = 0
      if communicator.isRoot {
        let start = ContinuousClock.now
        result = communicator.beatingSum(until: start + .seconds(1.5))
      }
      try communicator.barrier()
      return result
    }
    #expect(results[0] > 0)
  }

  @Test func errorsComeThrough() throws {
    struct Failure: Error, Equatable {}
    let errors = try InProcessCommunicator.run(size: 2) { communicator in
      do {
        _ = try communicator.beating { () throws -> Int in throw Failure() }
        return false
      } catch is Failure { return true }
    }
    #expect(errors == [true, true])
  }
}

extension InProcessCommunicator {
  fileprivate func beatingSum(until end: ContinuousClock.Instant) -> Int {
    var sum = 0
    try? beating { while ContinuousClock.now < end { sum += 1 } }
    return sum
  }
}
