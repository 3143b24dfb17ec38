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
}
