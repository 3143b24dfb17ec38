import Foundation
import TestSupport
import Testing

/// Two jobs on one output: the second is told who works on it, and disturbs nothing.
@Suite struct TwoJobsTests {
  @Test func secondTrainingIsRefusedWhileTheFirstWorks() throws {
    try withTemporaryFolder { folder in
      let extract = try Program.decaf.run(try CommandFixture.extract("\(folder)/store"))
      try #require(extract.status == 0, "\(extract.errors)")
      let train = ["train", "\(folder)/store", "--layer", "pool5", "--output", "\(folder)/c"]
      var second: Program.Run?
      let first = try Program.decaf.run(train, pausedAt: "inputs opened", in: folder) {
        second = try Program.decaf.on(ranks: 2).run(train + ["--C", "3", "--overwrite"])
      }
      #expect(second?.status == 73, "\(second?.errors ?? "")")
      #expect(second?.errors.contains("is being made by process") == true)
      #expect(first.status == 0, "\(first.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/c.lock"))
    }
  }

  @Test func secondEvaluationIsRefusedWhileTheFirstWorks() throws {
    try withTemporaryFolder { folder in
      let extract = try Program.decaf.run(try CommandFixture.extract("\(folder)/store"))
      try #require(extract.status == 0, "\(extract.errors)")
      let text = """
        name: small
        kind: few-shot
        stores: {images: \(folder)/store}
        layers: [pool5]
        losses: [softmax]
        normalize: l2
        C: [1]
        training-rows: [1]
        splits: 2
        seed: 1
        """
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/p.yaml"))
      let evaluate = ["evaluate", "\(folder)/p.yaml", "--output", "\(folder)/results"]
      var second: Program.Run?
      let first = try Program.decaf.run(evaluate, pausedAt: "inputs opened", in: folder) {
        second = try Program.decaf.run(evaluate + ["--seed", "2", "--overwrite"])
      }
      #expect(second?.status == 73, "\(second?.errors ?? "")")
      #expect(second?.errors.contains("is being made by process") == true)
      #expect(first.status == 0, "\(first.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/results/lock"))
    }
  }
}
