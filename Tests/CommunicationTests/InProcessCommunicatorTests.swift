import Communication
import ConformanceSupport
import Testing

@Suite struct InProcessCommunicatorTests {
  @Test(arguments: [1, 2, 3, 5]) func conforms(size: Int) throws {
    _ = try InProcessCommunicator.run(size: size) { try CommunicatorConformance.check($0) }
  }

  @Test func aloneNeedsNoOther() throws {
    try CommunicatorConformance.check(InProcessCommunicator.alone())
  }

  @Test func resultsComeInRankOrder() throws {
    #expect(try InProcessCommunicator.run(size: 4) { $0.rank * 10 } == [0, 10, 20, 30])
  }

  struct Failure: Error {}

  @Test func failureOfOneRankWakesTheOthers() {
    #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 3, deadlineSeconds: 30) { communicator in
        if communicator.rank == 1 { throw Failure() }
        try communicator.barrier()
      }
    }
  }

  @Test func waitingForARankThatNeverComesEndsAtTheDeadline() {
    #expect(throws: CommunicationError.deadlineExceeded(rank: 0, operation: "barrier")) {
      try InProcessCommunicator.run(size: 2, deadlineSeconds: 0.2) { communicator in
        if communicator.rank == 0 { try communicator.barrier() }
      }
    }
  }

  /// What a rank can cause is thrown, and so fails a test: a trap would end the whole test process.
  @Test func reductionsOfDifferentLengthsAreAnError() {
    #expect {
      try InProcessCommunicator.run(size: 2) { communicator in
        var values = [Int64](repeating: 1, count: 1 + communicator.rank)
        try communicator.allreduce(&values, .sum)
      }
    } throws: {
      guard case CommunicationError.lengthsDiffer(_, _, let a, _, let b) = $0 else { return false }
      return Set([a, b]) == [1, 2]
    }
  }
}
