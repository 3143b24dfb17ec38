import Foundation
import Tensors
import TestSupport
import Testing

/// Ranks of one job that run on unlike machines: other kernels, other teams, another file of weights.
@Suite(.serialized) struct UnlikeRanksTests {
  /// `decaf` on so many ranks, of which one has `script` run first: `export NAME=VALUE`, or other
  /// arguments by `set --`.
  private func run(
    _ arguments: [String], ranks: Int = 2, odd: Int, _ script: String
  ) throws -> Program.Run {
    let shell = "if [ \"$OMPI_COMM_WORLD_RANK\" = \(odd) ]; then \(script); fi; exec \"$@\""
    return try Program(path: "/bin/bash", ranks: ranks).run(
      ["-c", shell, "bash", Program.decaf.path] + arguments)
  }

  /// The store is the lowest class's, whichever rank has it.
  @Test(
    .enabled(if: KernelClass.supported.count > 1, "this processor has one kernel class"),
    arguments: [0, 1])
  func storeIsOfTheLowestKernelClass(odd: Int) throws {
    try withTemporaryFolder { folder in
      let options = ["--layers", "pool5,conv2"]
      let low = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/low") + options,
        environment: ["DECAF_KERNEL": "baseline"])
      try #require(low.status == 0, "\(low.errors)")
      let mixed = try run(
        try CommandFixture.extract("\(folder)/mixed") + ["--batch", "2"] + options, odd: odd,
        "export DECAF_KERNEL=baseline")
      #expect(mixed.status == 0, "\(mixed.errors)")
      #expect(mixed.errors.contains("baseline kernels"), "\(mixed.errors)")
      let (a, b) = (
        try ExtractionFixture.contents(ofStore: "\(folder)/low"),
        try ExtractionFixture.contents(ofStore: "\(folder)/mixed")
      )
      #expect(a == b)
      let own = try Program.decaf.run(try CommandFixture.extract("\(folder)/own") + options)
      #expect(own.status == 0)
      let native = try ExtractionFixture.contents(ofStore: "\(folder)/own")
      #expect(native["store.json"] != a["store.json"], "the classes are told apart")
    }
  }

  @Test(
    .enabled(if: KernelClass.supported.count > 1, "this processor has one kernel class"),
    arguments: [0, 1])
  func classifierIsOfTheLowestKernelClass(odd: Int) throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 700, mean: 0)
      let train = ["train", store, "--layer", "fc6", "--output"]
      let low = try Program.decaf.run(
        train + ["\(folder)/low"], environment: ["DECAF_KERNEL": "baseline"])
      try #require(low.status == 0, "\(low.errors)")
      let mixed = try run(train + ["\(folder)/mixed"], odd: odd, "export DECAF_KERNEL=baseline")
      #expect(mixed.status == 0, "\(mixed.errors)")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/low"))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/mixed")))
    }
  }

  /// Trainings that ranks do by themselves, too: gaps and objectives in the results show the kernels.
  @Test(
    .enabled(if: KernelClass.supported.count > 1, "this processor has one kernel class"),
    arguments: [0, 1])
  func evaluationIsOfTheLowestKernelClass(odd: Int) throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 300, mean: 0)
      let text = """
        name: small
        kind: few-shot
        stores: {images: \(store)}
        layers: [fc6]
        losses: [softmax, squared-hinge]
        normalize: l2
        C: [1]
        training-rows: [5, 20]
        splits: 2
        seed: 1
        """
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/p.yaml"))
      func results(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)/results.json"))
      }
      let evaluate = ["evaluate", "\(folder)/p.yaml", "--threads", "1", "--output"]
      let low = try Program.decaf.run(
        evaluate + ["\(folder)/low"], environment: ["DECAF_KERNEL": "baseline"])
      try #require(low.status == 0, "\(low.errors)")
      let mixed = try run(evaluate + ["\(folder)/mixed"], odd: odd, "export DECAF_KERNEL=baseline")
      #expect(mixed.status == 0, "\(mixed.errors)")
      #expect(try results("low") == results("mixed"))
      let own = try Program.decaf.run(evaluate + ["\(folder)/own"])
      #expect(own.status == 0)
      #expect(try results("own") != results("low"), "the classes are told apart")
    }
  }

  /// A checkpoint is of the class that all trained with, not of the rank that wrote it.
  @Test(
    .enabled(if: KernelClass.supported.count > 1, "this processor has one kernel class"))
  func checkpointIsOfTheLowestKernelClass() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 300, mean: 0)
      let train = ["train", store, "--layer", "fc6", "--output", "\(folder)/c"]
      let stopped = try run(
        train + ["--max-hours", "1e-9"], odd: 1, "export DECAF_KERNEL=baseline")
      try #require(stopped.status == 75, "\(stopped.errors)")
      let own = try Program.decaf.run(train)
      #expect(own.status == 73 && own.errors.contains("kernel"), "\(own.errors)")
      let low = try Program.decaf.run(train, environment: ["DECAF_KERNEL": "baseline"])
      #expect(low.status == 0, "\(low.errors)")
      #expect(low.errors.contains("training continues"), "\(low.errors)")
    }
  }

  /// A class that one rank cannot have ends all of them, with one status.
  @Test func unknownKernelClassOnOneRankEndsAll() throws {
    try withTemporaryFolder { folder in
      let run = try run(
        try CommandFixture.extract("\(folder)/store"), odd: 1, "export DECAF_KERNEL=sse9")
      #expect(run.status == 64, "\(run.errors)")
      #expect(run.errors.contains("sse9") && run.errors.contains("rank 1"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store/journal"))
    }
  }

  /// Each rank cuts the rows by the smallest team, not by its own.
  @Test(arguments: [0, 1]) func predictionsDoNotDependOnTeamsThatDiffer(odd: Int) throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 6000, mean: 0)
      let train = try Program.decaf.run([
        "train", store, "--layer", "fc6", "--C", "1e-4", "--output", "\(folder)/c",
      ])
      try #require(train.status == 0, "\(train.errors)")
      let predict = ["predict", "\(folder)/c", store, "--output"]
      let plain = try Program.decaf.run(predict + ["\(folder)/plain.tsv", "--threads", "1"])
      try #require(plain.status == 0, "\(plain.errors)")
      let mixed = try run(
        predict + ["\(folder)/mixed.tsv", "--threads", "1"], odd: odd,
        "set -- \"${@:1:$#-1}\" 3")
      #expect(mixed.status == 0, "\(mixed.errors)")
      #expect(mixed.output.contains("6000"), "\(mixed.output)")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/plain.tsv"))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/mixed.tsv")))
    }
  }
}
