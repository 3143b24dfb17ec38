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
