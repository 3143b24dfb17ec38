import Foundation
import TestSupport
import Testing

/// Stores joined and cut at the command line.
@Suite struct MergeTests {
  /// Extracts the fixture's list whole, and two parts of it; the first with odd shards.
  private func extractParts(in folder: String) throws {
    let fixture = try CommandFixture.shared.get()
    let text = try String(contentsOfFile: fixture.list, encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    let parts = [Array(lines[1..<9]), Array(lines[9...])]
    for (number, part) in parts.enumerated() {
      let list = "\(folder)/\(number).tsv"
      try Data((([lines[0]] + part).joined(separator: "\n") + "\n").utf8)
        .write(to: URL(fileURLWithPath: list))
      let run = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/part\(number)", list: list, "--root", fixture.folder)
          + (number == 0 ? ["--rows-per-shard", "3"] : []))
      try #require(run.status == 0, "\(run.errors)")
    }
    let whole = try Program.decaf.run(
      try CommandFixture.extract("\(folder)/whole", "--root", fixture.folder))
    try #require(whole.status == 0, "\(whole.errors)")
  }

  @Test func mergedPartsAreTheWhole() throws {
    try withTemporaryFolder { folder in
      try extractParts(in: folder)
      let merge = ["merge", "\(folder)/part0", "\(folder)/part1", "--output", "\(folder)/merged"]
      let merged = try Program.decaf.run(merge)
      #expect(merged.status == 0, "\(merged.errors)")
      #expect(merged.output.contains("23, "), "\(merged.output)")
      for name in ["rows.tsv", "pool5.npy"] {
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/merged/\(name)"))
            == Data(contentsOf: URL(fileURLWithPath: "\(folder)/whole/\(name)")), "\(name)")
      }
      let verified = try Program.decaf.run(["verify", "\(folder)/merged"])
      #expect(verified.status == 0 && verified.output.contains("copied from"), "\(verified.output)")

      // The same command finds its own store, another one does not touch it.
      let again = try Program.decaf.run(merge)
      #expect(again.status == 0 && again.output.contains("is there already"), "\(again.output)")
      let other = [
        "merge", "\(folder)/part1", "\(folder)/part0", "--output", "\(folder)/merged",
      ]
      let refused = try Program.decaf.run(other)
      #expect(refused.status == 73 && refused.errors.contains("--overwrite"), "\(refused.errors)")
      #expect(try Program.decaf.run(other + ["--overwrite"]).status == 0)
      let own = try Program.decaf.run(Array(merge.dropLast()) + ["\(folder)/part1", "--overwrite"])
      #expect(own.status == 73 && own.errors.contains("part1"), "\(own.errors)")
      #expect(try Program.decaf.run(["verify", "\(folder)/part1"]).status == 0)

      // What is made of it is what the whole gives, and each takes the other's.
      _ = try Program.decaf.run(merge + ["--overwrite"])
      for store in ["merged", "whole"] {
        let trained = try Program.decaf.run([
          "train", "\(folder)/\(store)", "--layer", "pool5", "--C", "1", "--output",
          "\(folder)/\(store).safetensors",
        ])
        #expect(trained.status == 0, "\(trained.errors)")
        let predicted = try Program.decaf.run([
          "predict", "\(folder)/merged.safetensors", "\(folder)/\(store)", "--output",
          "\(folder)/\(store).predicted",
        ])
        #expect(predicted.status == 0, "\(predicted.errors)")
      }
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/merged.predicted"))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/whole.predicted")))

      // A part of the whole is the part that was extracted.
      let subset = [
        "subset", "\(folder)/whole", "--rows", "8-22", "--output", "\(folder)/subset",
      ]
      let cut = try Program.decaf.run(subset)
      #expect(cut.status == 0, "\(cut.errors)")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/subset/pool5.npy"))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/part1/pool5.npy")))
    }
  }

  @Test(
    arguments: [
      (["merge"], 64, "store"), (["subset", "whole"], 64, "--where"),
      (["subset", "whole", "--rows", "3-1"], 64, "3-1"),
      (["subset", "whole", "--rows", "3,"], 64, "--rows"),
      (["subset", "whole", "--rows", "20-23"], 64, "no row 23"),
      (["subset", "whole", "--where", "label=lion"], 64, "no class “lion”"),
      (["subset", "whole", "--where", "colour=red"], 64, "--where"),
      (
        ["subset", "whole", "--where", "status=ok", "--where", "status=failed"], 64, "ok and failed"
      ),
      (["subset", "nothing", "--rows", "0"], 65, "nothing"),
      (["merge", "whole", "numbers"], 65, "model"),
    ] as [([String], Int32, String)])
  func problemsAreNamed(arguments: [String], status: Int32, mention: String) throws {
    try withTemporaryFolder { folder in
      let made = try Program.decaf.run(try CommandFixture.extract("\(folder)/whole"))
      try #require(made.status == 0, "\(made.errors)")
      if arguments.contains("numbers") {
        try Data("1 1:1\n2 2:1\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/a.svm"))
        _ = try Program.decaf.run([
          "import", "\(folder)/a.svm", "--layer", "pool5", "--output", "\(folder)/numbers",
        ])
      }
      let paths = arguments.map {
        ["whole", "nothing", "numbers"].contains($0) ? "\(folder)/\($0)" : $0
      }
      let run = try Program.decaf.run(paths + ["--output", "\(folder)/out"])
      #expect(run.status == status && run.errors.contains(mention), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out"))
    }
  }
}
