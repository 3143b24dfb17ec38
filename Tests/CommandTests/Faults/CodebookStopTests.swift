import Foundation
import TestSupport
import Testing

/// `decaf codebook` that is stopped and started again.
@Suite(.serialized) struct CodebookStopTests {
  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private func arguments(_ list: String, words: Int = 16, sample: Int = 900) -> [String] {
    [
      "codebook", list, "--words", "\(words)", "--sample", "\(sample)", "--iterations", "6",
      "--output",
    ]
  }

  @Test func timeLimitStopsAgainAndAgainUntilAllIsDone() throws {
    try withTemporaryFolder { folder in
      let make = arguments(try CommandFixture.shared.get().list)
      let plain = try Program.decaf.run(make + ["\(folder)/a.safetensors"])
      try #require(plain.status == 0, "\(plain.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/a.safetensors.checkpoint"))
      let output = "\(folder)/b.safetensors"
      var stops = 0
      while stops < 60 {
        // Ranks come and go.
        let run = try Program.decaf.on(ranks: stops % 3 == 0 ? nil : stops % 3 + 1).run(
          make + [output, "--max-hours", "1e-9"])
        if run.status == 0 {
          #expect(run.output.contains("5 failed"), "\(run.output)")
          break
        }
        #expect(run.status == 75 && run.output.contains("--max-hours"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
        stops += 1
      }
      // Once a word and a pass, and after the images.
      #expect(stops >= 17)
      #expect(try bytes(output) == bytes("\(folder)/a.safetensors"))
      #expect(!FileManager.default.fileExists(atPath: "\(output).checkpoint"))
    }
  }

  @Test func signalStopsAllRanksAndTheSameCommandContinuesOnOthers() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 3000)
      let make = arguments(list, words: 300, sample: 20_000)
      let output = "\(folder)/words.safetensors"
      let running = try Program.decaf.on(ranks: 2).start(
        make + [output, "--checkpoint-minutes", "0"])
      let deadline = Date(timeIntervalSinceNow: 60)
      while Date() < deadline, running.process.isRunning,
        !FileManager.default.fileExists(atPath: "\(output).checkpoint")
      { usleep(5_000) }
      try #require(running.process.isRunning, "all was done before the signal")
      kill(running.process.processIdentifier, SIGUSR1)
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.output.contains("the same command line continues"), "\(stopped.output)")
      let resumed = try Program.decaf.run(make + [output, "--json"])
      try #require(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("continues from \(output).checkpoint"))
      #expect(resumed.output.contains("\"words\": 300"), "\(resumed.output)")
      let plain = try Program.decaf.on(ranks: 3).run(make + ["\(folder)/plain.safetensors"])
      #expect(plain.status == 0, "\(plain.errors)")
      #expect(try bytes(output) == bytes("\(folder)/plain.safetensors"))
    }
  }

  @Test func checkpointsOfOthersAreRefused() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.shared.get().list
      let output = "\(folder)/words.safetensors"
      let stopped = try Program.decaf.run(arguments(list) + [output, "--max-hours", "1e-9"])
      #expect(stopped.status == 75, "\(stopped.errors)")
      let info = try Program.decaf.run(["info", "\(output).checkpoint"])
      #expect(info.output.contains("checkpoint of a codebook"), "\(info.output)\(info.errors)")
      let other = arguments(list, words: 8) + [output]
      let refused = try Program.decaf.on(ranks: 2).run(other)
      #expect(refused.status == 73, "\(refused.errors)")
      #expect(refused.errors.contains("wordCount: the checkpoint has 16, this command 8"))
      let anew = try Program.decaf.run(other + ["--overwrite"])
      #expect(anew.status == 0, "\(anew.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(output).checkpoint"))
    }
  }
}
