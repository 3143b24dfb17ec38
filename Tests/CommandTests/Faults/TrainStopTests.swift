import Foundation
import TestSupport
import Testing

/// `decaf train` that is stopped and started again.
@Suite(.serialized) struct TrainStopTests {
  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  /// A store to train on for hundreds of iterations, and the arguments to do so, but for the output.
  private func train(in folder: String) throws -> [String] {
    let store = try CommandFixture.unevenStore(in: folder, rowCount: 1500, mean: 0)
    return ["train", store, "--layer", "fc6", "--C", "10", "--tolerance", "1e-10"]
  }

  /// Waits until there is a checkpoint and, when there was one before, it has been read; or until
  /// the job is over.
  private func waitForCheckpoint(
    _ output: String, isSecond: Bool, in running: Program.Running
  ) {
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline, running.process.isRunning {
      if FileManager.default.fileExists(atPath: "\(output).checkpoint"),
        !isSecond || running.errors.contains("training continues")
      {
        return
      }
      usleep(5_000)
    }
  }

  @Test func signalStopsAllRanksAndTheSameCommandContinuesOnOthers() throws {
    try withTemporaryFolder { folder in
      let arguments = try train(in: folder)
      let plain = try Program.decaf.run(arguments + ["--output", "\(folder)/plain"])
      #expect(plain.status == 0, "\(plain.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/plain.checkpoint"))

      let output = "\(folder)/stopped"
      let command = arguments + ["--output", output]
      for ranks in [2, 3] {
        // A write after every iteration makes training last.
        let running = try Program.decaf.on(ranks: ranks).start(
          command + ["--checkpoint-minutes", "0"])
        waitForCheckpoint(output, isSecond: ranks == 3, in: running)
        try #require(running.process.isRunning, "training was over before the signal")
        kill(running.process.processIdentifier, SIGUSR1)
        let stopped = running.wait()
        #expect(stopped.status == 75, "\(stopped.errors)")
        // The launcher passes the signal on to one rank after the other; any may see it first.
        #expect(
          stopped.output.contains("SIGUSR1")
            || stopped.output.contains("asked for on another rank"),
          "\(stopped.output)")
        #expect(stopped.output.contains("the same command line continues"))
        #expect(!FileManager.default.fileExists(atPath: output))
      }
      let resumed = try Program.decaf.run(command + ["--threads", "2"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("training continues from \(output).checkpoint"))
      #expect(try bytes(output) == bytes("\(folder)/plain"))
      #expect(!FileManager.default.fileExists(atPath: "\(output).checkpoint"))
    }
  }

  @Test func timeLimitStopsAgainAndAgainUntilAllIsDone() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      _ = try Program.decaf.run(try CommandFixture.extract(store))
      let arguments = ["train", store, "--layer", "pool5", "--C-path", "1e-3,1", "--folds", "2"]
      let plain = try Program.decaf.run(arguments + ["--output", "\(folder)/a"])
      #expect(plain.status == 0, "\(plain.errors)")
      let limited = arguments + ["--output", "\(folder)/b", "--max-hours", "1e-9"]
      var stops = 0
      while stops < 300 {
        let run = try Program.decaf.run(limited)
        if run.status == 0 {
          #expect(run.output.hasSuffix("classifier  \(folder)/b\n"))
          break
        }
        #expect(run.status == 75 && run.output.contains("--max-hours"), "\(run.errors)")
        stops += 1
      }
      #expect(stops > 3)
      #expect(try bytes("\(folder)/a") == bytes("\(folder)/b"))
    }
  }

  /// A queue starts a command line again as it was.
  @Test func overwritingContinuesToo() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      _ = try Program.decaf.run(try CommandFixture.extract(store))
      let train = ["train", store, "--layer", "pool5", "--output", "\(folder)/c"]
      #expect(try Program.decaf.run(train).status == 0)
      let plain = try bytes("\(folder)/c")
      let limited = train + ["--overwrite", "--max-hours", "1e-9"]
      #expect(try Program.decaf.run(limited).status == 75)
      let next = try Program.decaf.run(limited)
      #expect(next.errors.contains("training continues"), "\(next.errors)")
      #expect(try Program.decaf.run(train + ["--overwrite"]).status == 0)
      #expect(try bytes("\(folder)/c") == plain)
    }
  }

  @Test func foreignAndDamagedCheckpointsAreRefused() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      _ = try Program.decaf.run(try CommandFixture.extract(store))
      let output = "\(folder)/c"
      let train = ["train", store, "--layer", "pool5", "--output", output]
      let stopped = try Program.decaf.run(train + ["--max-hours", "1e-9"])
      #expect(stopped.status == 75, "\(stopped.errors)")
      let foreign = try Program.decaf.on(ranks: 2).run(train + ["--C", "3"])
      #expect(foreign.status == 73, "\(foreign.errors)")
      #expect(foreign.errors.contains("C: the checkpoint has 1, this training 3"))
      let anew = try Program.decaf.run(train + ["--C", "3", "--overwrite"])
      #expect(anew.status == 0, "\(anew.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(output).checkpoint"))

      // A finished classifier stays: the damaged checkpoint is of one that is not there yet.
      try FileManager.default.removeItem(atPath: output)
      _ = try Program.decaf.run(train + ["--max-hours", "1e-9"])
      var damaged = try bytes("\(output).checkpoint")
      damaged[damaged.count / 2] ^= 4
      try damaged.write(to: URL(fileURLWithPath: "\(output).checkpoint"))
      let refused = try Program.decaf.on(ranks: 2).run(train)
      #expect(refused.status == 65 && refused.errors.contains("damaged"), "\(refused.errors)")
      #expect(try Program.decaf.run(train + ["--overwrite"]).status == 0)
    }
  }

  @Test(arguments: [["--max-hours", "0"], ["--checkpoint-minutes=-1"]])
  func impossibleLimitsAreWrongUsage(options: [String]) throws {
    let run = try Program.decaf.run(
      ["train", "store", "--layer", "fc6", "--output", "c"] + options)
    #expect(run.status == 64, "\(run.errors)")
  }

  @Test func helpTellsOfCheckpoints() throws {
    let help = try Program.decaf.run(["train", "--help"]).output
      .split { $0 == " " || $0 == "\n" }.joined(separator: " ")
    for text in [
      "OUTPUT.checkpoint", "--checkpoint-minutes <", "--max-hours <", "--overwrite", "SIGUSR1",
    ] { #expect(help.contains(text), "\(help)") }
  }
}
