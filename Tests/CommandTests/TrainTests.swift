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

  @Test func dropoutIsExplainedAndDoesNotDependOnRanks() throws {
    // Words, since lines are broken to fit.
    let help = try Program.decaf.run(["train", "--help"]).output
      .split { $0 == " " || $0 == "\n" }.joined(separator: " ")
    for text in ["--dropout <dropout>", "--dropout-copies <", "divided by 1 − p"] {
      #expect(help.contains(text), "\(help)")
    }
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      _ = try Program.decaf.run(try CommandFixture.extract(store))
      let train = ["train", store, "--layer", "pool5", "--normalize", "l2"]
      let dropout = ["--dropout", "0.5", "--dropout-copies", "3", "--seed", "7"]
      let run = try Program.decaf.run(train + dropout + ["--output", "\(folder)/a"])
      #expect(run.status == 0, "\(run.errors)")
      let many = try Program.decaf.on(ranks: 3).run(
        train + dropout + ["--output", "\(folder)/b"])
      #expect(many.status == 0, "\(many.errors)")
      #expect(try bytes("\(folder)/a") == bytes("\(folder)/b"))
      let plain = try Program.decaf.run(train + ["--output", "\(folder)/c"])
      let none = try Program.decaf.run(
        train + ["--dropout", "0", "--seed", "7", "--output", "\(folder)/d"])
      #expect(plain.status == 0 && none.status == 0, "\(none.errors)")
      #expect(try bytes("\(folder)/c") == bytes("\(folder)/d"))
      #expect(try bytes("\(folder)/a") != bytes("\(folder)/c"))
      let predict = try Program.decaf.run([
        "predict", "\(folder)/a", store, "--output", "\(folder)/p.tsv",
      ])
      #expect(predict.status == 0, "\(predict.errors)")
      let plan = try Program.decaf.run(train + dropout + ["--output", "\(folder)/e", "--dry-run"])
      #expect(plan.output.contains("normalize l2, dropout 0.5 in 3 copies"), "\(plan.output)")
    }
  }

  @Test(
    arguments: [
      (["--dropout", "1"], "dropout is 1.0"), (["--dropout=-0.1"], "dropout is -0.1"),
      (["--dropout", "0.5", "--dropout-copies", "0"], "0 dropout copies"),
      (["--dropout-copies", "3"], "goes with --dropout"),
    ] as [([String], String)])
  func impossibleDropoutsAreWrongUsage(options: [String], mention: String) throws {
    let run = try Program.decaf.run(
      ["train", "store", "--layer", "fc6", "--output", "c"] + options)
    #expect(run.status == 64 && run.errors.contains(mention), "\(run.errors)")
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

  /// Weights in double precision reach 1e-13 here, those in single precision do not.
  @Test func toleranceThatRoundingDoesNotReachIsSaidSo() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 400, mean: 20)
      let train = [
        "train", store, "--layer", "fc6", "--C", "3", "--tolerance", "1e-17", "--output",
        "\(folder)/c",
      ]
      let run = try Program.decaf.run(train)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.errors.contains("above the tolerance 1e-17"), "\(run.errors)")
      let strict = try Program.decaf.on(ranks: 2).run(train + ["--strict"])
      #expect(strict.status == 65, "\(strict.errors)")
    }
  }

  /// A table, or a classifier of another training, stays; of the same training, that is said.
  @Test func finishedOutputsAreNotReplacedSilently() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      _ = try Program.decaf.run(try CommandFixture.extract(store))
      let output = "\(folder)/c.safetensors"
      let train = ["train", store, "--layer", "pool5", "--normalize", "l2", "--output", output]
      #expect(try Program.decaf.run(train).status == 0)
      let first = try bytes(output)
      let again = try Program.decaf.on(ranks: 2).run(train)
      #expect(again.status == 0 && again.output.contains("is there already"), "\(again.errors)")
      let other = try Program.decaf.on(ranks: 2).run(train + ["--C", "2"])
      #expect(other.status == 73 && other.errors.contains("--overwrite"), "\(other.errors)")
      #expect(try bytes(output) == first)
      let replaced = try Program.decaf.run(train + ["--C", "2", "--overwrite", "--check"])
      #expect(replaced.status == 0, "\(replaced.errors)")
      let second = try bytes(output)
      #expect(second != first)
      // Whichever C the path chooses, the classifier of that C is there, or another.
      let path = try Program.decaf.run(train + ["--C-path", "2", "--folds", "2"])
      #expect(path.status == 0 && path.output.contains("is there already"), "\(path.errors)")
      let others = try Program.decaf.run(train + ["--C-path", "3", "--folds", "2"])
      #expect(others.status == 73, "\(others.errors)")
      #expect(try bytes(output) == second)

      let predict = ["predict", output, store, "--output", "\(folder)/p.tsv"]
      #expect(try Program.decaf.run(predict).status == 0)
      let refused = try Program.decaf.on(ranks: 2).run(predict)
      #expect(refused.status == 73 && refused.errors.contains("--overwrite"), "\(refused.errors)")
      #expect(try Program.decaf.run(predict + ["--overwrite"]).status == 0)
    }
  }

  @Test(
    arguments: [
      (["--output", "c.pkl"], ".safetensors"), (["--output", "c", "--C", "1e42"], "1e-15 to 1e15"),
      (["--output", "c", "--C", "1e300"], "C is 1e+300"),
    ] as [([String], String)])
  func impossibleOutputsAndCAreWrongUsage(options: [String], mention: String) throws {
    let run = try Program.decaf.run(["train", "store", "--layer", "fc6"] + options)
    #expect(run.status == 64 && run.errors.contains(mention), "\(run.errors)")
  }

  @Test func halfUnprovedIsAFailureWithoutStrictToo() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 400, mean: 2000)
      let train = [
        "train", store, "--layer", "fc6", "--C", "1e6", "--max-iterations", "2", "--output",
        "\(folder)/c",
      ]
      for ranks in [1, 2] {
        // The second finds the first's, and says the same of it.
        let run = try Program.decaf.on(ranks: ranks).run(train)
        #expect(run.status == 65, "\(run.output) \(run.errors)")
        #expect(run.errors.contains("--standardize"), "\(run.errors)")
      }
    }
  }
}
