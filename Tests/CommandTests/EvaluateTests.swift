import Foundation
import TestSupport
import Testing

/// Protocols, as a user runs them.
@Suite struct EvaluateTests {
  private static let fewShot = """
    name: small
    kind: few-shot
    stores: {images: store}
    layers: [fc6, pool5]
    losses: [softmax, squared-hinge]
    normalize: l2
    C: [1, 10]
    validation: {rows: 1, of: 3, fallback-C: 1}
    training-rows: [1, 3]
    splits: 2
    seed: 1
    """

  /// A store of three classes in `folder/store`, and a protocol beside it.
  private static func prepare(_ folder: String) throws {
    let rows = (0..<24).map { row in
      "c\(row % 3) \(row % 3 + 1):3 \(row % 4 + 4):0.\(row) 9:1"
    }
    try Data(rows.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/a.svm"))
    try Data(fewShot.utf8).write(to: URL(fileURLWithPath: "\(folder)/p.yaml"))
    let run = try Program.decaf.run(
      ["import", "\(folder)/a.svm", "--layer", "fc6", "--output", "\(folder)/store"])
    #expect(run.status == 0, "\(run.errors)")
  }

  private static func files(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, FileManager.default.contents(atPath: "\(folder)/\($0)") ?? Data())
      })
  }

  @Test func filesAreTheSameOnAnyNumberOfRanks() throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      var results: [[String: Data]] = []
      for ranks in [nil, 1, 2, 3] {
        let output = "\(folder)/r\(results.count)"
        let run = try Program.decaf.on(ranks: ranks).run(
          ["evaluate", "\(folder)/p.yaml", "--output", output])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("fc6 squared-hinge") && run.output.contains("n = 3"))
        results.append(try Self.files(output))
      }
      let names: Set = [
        "table.txt", "cells.tsv", "results.json", "splits.tsv", "confusion.tsv", "confusion.svg",
        "curve.svg",
      ]
      #expect(Set(results[0].keys) == names)
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  @Test func finishedResultsAreNotReplacedSilently() throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      let command = ["evaluate", "\(folder)/p.yaml", "--output", "\(folder)/r"]
      let first = try Program.decaf.run(command)
      #expect(first.status == 0, "\(first.errors)")
      let before = try Self.files("\(folder)/r")
      let again = try Program.decaf.on(ranks: 2).run(command)
      #expect(again.status == 0 && again.output.contains("made by this evaluation"))
      #expect(again.output.contains("fc6 squared-hinge"), "the table is shown")
      let other = try Program.decaf.run(command + ["--splits", "3"])
      #expect(other.status == 73 && other.errors.contains("--overwrite"), "\(other.errors)")
      #expect(try Self.files("\(folder)/r") == before)

      // Without a curve of its own, an evaluation takes away the one it replaces, if decaf drew it.
      let single = try String(contentsOfFile: "\(folder)/p.yaml", encoding: .utf8)
        .replacing("[1, 3]", with: "[3]")
      try Data(single.utf8).write(to: URL(fileURLWithPath: "\(folder)/single.yaml"))
      let overwrite = [
        "evaluate", "\(folder)/single.yaml", "--output", "\(folder)/r", "--overwrite",
      ]
      #expect(try Program.decaf.run(overwrite).status == 0)
      #expect(try Self.files("\(folder)/r")["curve.svg"] == nil)
      try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder)/r/curve.svg"))
      #expect(try Program.decaf.run(overwrite).status == 0)
      #expect(try Self.files("\(folder)/r")["curve.svg"] == Data("mine".utf8))
    }
  }

  @Test func picturesOfOthersStay() throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      try FileManager.default.createDirectory(
        atPath: "\(folder)/r", withIntermediateDirectories: true)
      try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder)/r/curve.svg"))
      let run = try Program.decaf.run(
        ["evaluate", "\(folder)/p.yaml", "--output", "\(folder)/r"])
      #expect(run.status == 73 && run.errors.contains("curve.svg"), "\(run.errors)")
      #expect(try Self.files("\(folder)/r") == ["curve.svg": Data("mine".utf8)])
    }
  }

  @Test func stoppedEvaluationContinuesOnOtherRanksToTheSameBytes() throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      let command = ["evaluate", "\(folder)/p.yaml", "--splits", "5"]
      let plain = try Program.decaf.run(command + ["--output", "\(folder)/plain"])
      #expect(plain.status == 0, "\(plain.errors)")
      let limited = command + ["--output", "\(folder)/r", "--max-hours", "1e-9"]
      for ranks in [nil, 2, 3] {
        let run = try Program.decaf.on(ranks: ranks).run(limited)
        #expect(run.status == 75 && run.output.contains("--max-hours"), "\(run.errors)")
        #expect(run.output.contains("of 20 trainings are done"), "\(run.output)")
        #expect(try Self.files("\(folder)/r").keys.sorted() == ["progress"])
      }
      let foreign = try Program.decaf.on(ranks: 2).run(limited + ["--seed", "2"])
      #expect(foreign.status == 73, "\(foreign.errors)")
      #expect(foreign.errors.contains("seed: the one there has 1, this one 2"))
      let resumed = try Program.decaf.on(ranks: 2).run(command + ["--output", "\(folder)/r"])
      #expect(resumed.status == 0 && resumed.errors.contains("evaluation continues"))
      #expect(try Self.files("\(folder)/r") == Self.files("\(folder)/plain"))
    }
  }

  @Test func signalStopsAllRanksAndLeavesCheckpoints() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 1500, mean: 0)
      try Data(
        """
        name: long
        kind: few-shot
        layers: [fc6]
        losses: [softmax]
        normalize: none
        C: [10]
        tolerance: 1e-10
        training-rows: [300]
        splits: 400
        seed: 1
        """.utf8
      ).write(to: URL(fileURLWithPath: "\(folder)/long.yaml"))
      let command = [
        "evaluate", "\(folder)/long.yaml", "--store", store, "--output", "\(folder)/r",
      ]
      let running = try Program.decaf.on(ranks: 2).start(command)
      let deadline = Date(timeIntervalSinceNow: 60)
      while Date() < deadline, running.process.isRunning,
        !FileManager.default.fileExists(atPath: "\(folder)/r/progress")
      { usleep(5_000) }
      usleep(300_000)
      try #require(running.process.isRunning, "all was over before the signal")
      kill(running.process.processIdentifier, SIGUSR1)
      let stop = Date()
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.output.contains("SIGUSR1"), "\(stopped.output)")
      #expect(Date().timeIntervalSince(stop) < 20)
    }
  }

  @Test func damagedProgressIsRefused() throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      let command = ["evaluate", "\(folder)/p.yaml", "--output", "\(folder)/r"]
      _ = try Program.decaf.run(command + ["--max-hours", "1e-9"])
      var bytes = try #require(FileManager.default.contents(atPath: "\(folder)/r/progress"))
      bytes[bytes.count - 10] ^= 1
      try bytes.write(to: URL(fileURLWithPath: "\(folder)/r/progress"))
      let refused = try Program.decaf.run(command)
      #expect(refused.status == 65 && refused.errors.contains("damaged"), "\(refused.errors)")
      let overwrite = command + ["--overwrite"]
      #expect(try Program.decaf.run(overwrite).status == 0)
      #expect(try Self.files("\(folder)/r")["progress"] == nil)

      // Begun with --overwrite, it continues with --overwrite.
      let stopped = try Program.decaf.run(overwrite + ["--max-hours", "1e-9"])
      #expect(stopped.status == 75 && stopped.output.contains(": 1 of"), "\(stopped.output)")
      let next = try Program.decaf.run(overwrite + ["--max-hours", "1e-9"])
      #expect(next.status == 75 && next.output.contains(": 2 of"), "\(next.output)")
    }
  }

  @Test func planIsPrintedAndNothingDone() throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      let run = try Program.decaf.run(
        [
          "evaluate", "\(folder)/p.yaml", "--output", "\(folder)/r", "--splits", "7", "--dry-run",
        ])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("layers      fc6\n") && run.output.contains("7 splits"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/r"))
    }
  }

  @Test(
    arguments: [
      ("nothing", [], 64, "caltech101"), ("none.yaml", [], 65, "none.yaml"),
      ("bad.yaml", [], 65, "colour: unknown key"), ("bad.yaml", [], 65, "kind: found “x”"),
      ("p.yaml", ["--store", "train=store"], 65, "no store “train”"),
      ("p.yaml", ["--layers", "fc7"], 65, "fc7"), ("p.yaml", ["--splits", "0"], 64, "--splits"),
      ("office", ["--store", "store"], 64, "NAME=STORE"),
      ("caltech101", ["--store", "store"], 65, "31 or more usable rows"),
      ("p.yaml", ["--store", "none"], 65, "none"), ("p.yaml", ["--output", "a.svm"], 73, "a.svm"),
    ] as [(String, [String], Int32, String)])
  func problemsAreNamed(
    name: String, options: [String], status: Int32, mention: String
  ) throws {
    try withTemporaryFolder { folder in
      try Self.prepare(folder)
      try Data((Self.fewShot.replacing("few-shot", with: "x") + "\ncolour: red\n").utf8).write(
        to: URL(fileURLWithPath: "\(folder)/bad.yaml"))
      let inFolder = { (text: String) in
        text.replacing("store", with: "\(folder)/store").replacing("a.svm", with: "\(folder)/a.svm")
      }
      let options = options.map { $0.hasPrefix("--") ? $0 : inFolder($0) }
      let arguments =
        ["evaluate", name.hasSuffix(".yaml") ? "\(folder)/\(name)" : name]
        + (options.contains("--output") ? [] : ["--output", "\(folder)/r"]) + options
      let run = try Program.decaf.run(arguments)
      #expect(run.status == status, "\(run.errors)")
      #expect(run.errors.contains(mention), "\(run.errors)")
    }
  }
}
