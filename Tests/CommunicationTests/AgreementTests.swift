import Communication
import Files
import Testing

@Suite struct AgreementTests {
  struct Failure: ErrorWithStatus, CustomStringConvertible {
    let description: String
    var exitStatus: Files.ExitStatus { description.hasPrefix("full") ? .cannotCreate : .badInput }
  }

  /// What each of `size` ranks gets when `body` runs on all of them by agreement.
  private func outcomes(
    size: Int, _ body: @escaping @Sendable (_ rank: Int) throws -> Int
  ) throws -> [Result<Int, JobFailure>] {
    try InProcessCommunicator.run(size: size) { communicator in
      do {
        return .success(try communicator.agree { try body(communicator.rank) })
      } catch let failure as JobFailure {
        return .failure(failure)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 5]) func successIsEachRanksOwn(size: Int) throws {
    let results = try outcomes(size: size) { $0 * 2 }
    #expect(try results.map { try $0.get() } == (0..<size).map { $0 * 2 })
  }

  @Test func failureOfOneRankIsTheFailureOfAllAndNamesIt() throws {
    let results = try outcomes(size: 3) { rank in
      if rank == 1 { throw Failure(description: "no such file") }
      return 0
    }
    for result in results {
      guard case .failure(let failure) = result else {
        Issue.record("a rank went on alone")
        continue
      }
      #expect(failure.exitStatus == .badInput)
      #expect(failure.description.hasPrefix("no such file (rank 1 on "))
    }
  }

  @Test func failureOfAllRanksIsReportedOnce() throws {
    let results = try outcomes(size: 3) { _ in throw Failure(description: "no such file") }
    guard case .failure(let failure) = results[2] else {
      Issue.record("a rank went on alone")
      return
    }
    #expect(failure.description == "no such file")
  }

  @Test func differentFailuresAreAllReportedAndTheHighestStatusCounts() throws {
    let results = try outcomes(size: 4) { rank in
      throw Failure(description: rank == 3 ? "full disk" : "no such file")
    }
    guard case .failure(let failure) = results[0] else {
      Issue.record("a rank went on alone")
      return
    }
    #expect(failure.exitStatus == .cannotCreate)
    let lines = failure.description.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first?.hasSuffix("and 2 more)") ?? false)
  }
}
