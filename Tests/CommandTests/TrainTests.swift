import Foundation
import TestSupport
import Testing

/// `decaf train` as a user runs it; what it computes is tested in the library.
@Suite struct TrainTests {
  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func pathPrintsATableAndGivesTheClassifierOfTheChosenC() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      _ = try Program.decaf.run(try CommandFixture.extract(store))
      let train = ["train", store, "--layer", "pool5", "--normalize", "l2"]
      let run = try Program.decaf.run(
        train + ["--C-path", "100,0.01,1", "--folds", "3", "--output", "\(folder)/a.safetensors"])
      #expect(run.status == 0, "\(run.errors)")
      let lines = run.output.split(separator: "\n")
      #expect(lines[0].contains("3 folds"))
      #expect(lines[1].hasPrefix("0.01 ") && lines[3].hasPrefix("100.0 "))
      let chosen = try #require(lines[1...3].first { $0.hasSuffix("chosen") })
      let C = String(chosen.split(separator: " ")[0])
      let plain = try Program.decaf.on(ranks: 2).run(
        train + ["--C", C, "--output", "\(folder)/b.safetensors"])
      #expect(plain.status == 0, "\(plain.errors)")
      #expect(try bytes("\(folder)/a.safetensors") == bytes("\(folder)/b.safetensors"))
    }
  }

  @Test func severalStoresAreTrainedOnAsOne() throws {
    try withTemporaryFolder { folder in
      _ = try Program.decaf.run(try CommandFixture.extract("\(folder)/a"))
      _ = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/b", "--dtype", "float16"))
      let run = try Program.decaf.run([
        "train", "\(folder)/a", "\(folder)/b", "--layer", "pool5", "--class-weight", "balanced",
        "--output", "\(folder)/c.safetensors",
      ])
      #expect(run.status == 0, "\(run.errors)")
      let alone = try Program.decaf.run([
        "train", "\(folder)/a", "--layer", "pool5", "--output", "\(folder)/d.safetensors",
      ])
      func rows(_ output: String) -> Int? {
        output.split(separator: "\n").first { $0.hasPrefix("rows") }
          .flatMap { Int($0.split(separator: " ")[1]) }
      }
      let (both, one) = try (#require(rows(run.output)), #require(rows(alone.output)))
      #expect(both == 2 * one)
    }
  }
}
