import Foundation
import TestSupport
import Testing

/// Requests to stop that reach commands in the middle of their work, and one rank alone.
@Suite(.serialized) struct StopSignalTests {
  /// Makes a job of some hundred images last long enough to be interrupted, on any machine.
  private static let slow = ["DECAF_FAULT_DELAY": "30"]

  /// Sends SIGUSR1 twice, as impatient queues do, to one rank, or to the plain process that `mpirun` did
  /// not start.
  private func strike(_ running: Program.Running, rank: Int?) {
    let launcher = running.process.processIdentifier
    let process = rank.flatMap { Processes.ranks(of: launcher)[$0] } ?? launcher
    for _ in 0..<2 {
      kill(process, SIGUSR1)
      usleep(20_000)
    }
  }

  @Test(arguments: [0, 1]) func oneRankIsEnoughToStopAnExtraction(rank: Int) throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 200)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, list: list, "--batch", "4")
      let running = try Program.decaf.on(ranks: 2).start(arguments, environment: Self.slow)
      CommandFixture.waitForRecords(store, in: running)
      try #require(running.process.isRunning, "the job was over before the signal")
      strike(running, rank: rank)
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.output.contains("SIGUSR1"), "\(stopped.output)")
      #expect(rank == 0 || stopped.output.contains("SIGUSR1 on rank 1"), "\(stopped.output)")
      let resumed = try Program.decaf.run(arguments)
      #expect(resumed.status == 0 && resumed.errors.contains("rows are recorded already"))
    }
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  /// Checking and hashing a large store takes long, too.
  @Test(arguments: ["coordinator", "direct"])
  func storesStopBeingHashed(gather: String) throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 20)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, list: list, "--gather", gather)
      let program = Program.decaf.on(ranks: 2)
      let stopped = try program.run(arguments, pausedAt: "rows recorded", in: folder) { running in
        strike(running, rank: 0)
      }
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.output.contains("stopped early (SIGUSR1"), "\(stopped.output)")
      #expect(!FileManager.default.fileExists(atPath: "\(store)/store.json"))
      let resumed = try program.run(arguments)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("20 of 20 rows are recorded already"), "\(resumed.errors)")
      let plain = try CommandFixture.extract("\(folder)/plain", list: list)
      #expect(try Program.decaf.run(plain).status == 0)
      #expect(try bytes("\(store)/store.json") == bytes("\(folder)/plain/store.json"))
    }
  }

  @Test func oneRankIsEnoughToStopATraining() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 1500, mean: 0)
      let output = "\(folder)/c"
      let train = [
        "train", store, "--layer", "fc6", "--C", "10", "--tolerance", "1e-10", "--output", output,
      ]
      let running = try Program.decaf.on(ranks: 2).start(train + ["--checkpoint-minutes", "0"])
      let deadline = Date(timeIntervalSinceNow: 60)
      while Date() < deadline, running.process.isRunning,
        !FileManager.default.fileExists(atPath: "\(output).checkpoint")
      { usleep(5_000) }
      try #require(running.process.isRunning, "training was over before the signal")
      strike(running, rank: 1)
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(FileManager.default.fileExists(atPath: "\(output).checkpoint"))
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }

  /// Extraction for a prediction stops as `extract` does, and the same command continues it.
  @Test(arguments: [nil, 0, 1] as [Int?]) func predictionOfAListStopsAndContinues(rank: Int?) throws
  {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let classifier = "\(folder)/classifier"
      for arguments in [
        try CommandFixture.extract("\(folder)/store"),
        ["train", "\(folder)/store", "--layer", "pool5", "--output", classifier],
      ] {
        let run = try Program.decaf.run(arguments)
        try #require(run.status == 0, "\(run.errors)")
      }
      let list = try CommandFixture.longList(in: folder, count: 200)
      let output = "\(folder)/p.tsv"
      let predict = [
        "predict", classifier, list, "--model", fixture.model, "--output", output,
      ]
      let program = Program.decaf.on(ranks: rank == nil ? nil : 2)
      let running = try program.start(predict, environment: Self.slow)
      CommandFixture.waitForRecords("\(output).store.partial", in: running)
      try #require(running.process.isRunning, "the job was over before the signal")
      strike(running, rank: rank)
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.output.contains("SIGUSR1"), "\(stopped.output)")
      #expect(!FileManager.default.fileExists(atPath: output))
      #expect(FileManager.default.fileExists(atPath: "\(output).store.partial/journal"))

      let resumed = try Program.decaf.on(ranks: 2).run(predict)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("rows are recorded already"), "\(resumed.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(output).store.partial"))
      let plain = try Program.decaf.run(predict.dropLast() + ["\(folder)/plain.tsv"])
      #expect(plain.status == 0, "\(plain.errors)")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: output))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/plain.tsv")))
    }
  }
}
