import Foundation
import Testing

/// The conformance checks of `Communicator` with real ranks.
@Suite(.serialized) struct ConformanceTests {
  @Test(arguments: 1...4) func realRanksConform(ranks: Int) throws {
    let run = try Program.conformance.on(ranks: ranks).run(["check"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("conformance holds at \(ranks) ranks"))
  }

  @Test func oneRankThatGivesUpEndsAllPromptly() throws {
    let start = Date()
    let run = try Program.conformance.on(ranks: 3).run(["fail", "1"], seconds: 30)
    #expect(run.status == 70)
    #expect(Date().timeIntervalSince(start) < 20)
  }

  /// Whatever the others wait in: they give up after the time limit of one second, and say on whom.
  @Test(arguments: ["message", "barrier", "allreduce", "broadcast", "gather"])
  func aFrozenRankIsNamed(place: String) throws {
    let run = try Program.conformance.on(ranks: 3).run(["freeze", "1", place], seconds: 30)
    #expect(run.status == 75, "\(run.errors)")
    #expect(run.errors.contains("rank 1 on "), "\(run.errors)")
    #expect(run.errors.contains("“before the \(place)” after 7 images"), "\(run.errors)")
  }

  @Test func rankZeroIsWatchedByTheOthers() throws {
    let run = try Program.conformance.on(ranks: 3).run(["freeze", "0", "barrier"], seconds: 30)
    #expect(run.status == 75, "\(run.errors)")
    #expect(run.errors.contains("rank 0 on "), "\(run.errors)")
  }
}
