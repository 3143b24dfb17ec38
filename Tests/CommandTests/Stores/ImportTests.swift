import Foundation
import TestSupport
import Testing

/// Features of other programs, as a user brings them in.
@Suite struct ImportTests {
  /// Twelve rows in two classes that a line separates, as svmlight text.
  private static let rows = (0..<12).map { "\($0 % 2 == 0 ? "cat" : "dog") 1:\($0 % 2) 3:0.\($0)5" }

  private static func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test func importedStoresAreVerifiedTrainedAndPredicted() throws {
    try withTemporaryFolder { folder in
      try Self.write(Self.rows.joined(separator: "\n"), "\(folder)/a.svm")
      let store = "\(folder)/store"
      let made = try Program.decaf.run(
        ["import", "\(folder)/a.svm", "--layer", "decaf6", "--output", store])
      #expect(made.status == 0, "\(made.errors)")
      #expect(made.output.contains("12, 0 failed, 12 labelled in 2 classes"))
      #expect(made.output.contains("fc6 (3)"))
      let verified = try Program.decaf.run(["verify", store])
      #expect(verified.status == 0 && verified.output.contains("imported from svmlight"))
      let classifier = "\(folder)/c.safetensors"
      let trained = try Program.decaf.run(
        ["train", store, "--layer", "fc6", "--C", "100", "--output", classifier])
      #expect(trained.status == 0, "\(trained.errors)")
      let predicted = try Program.decaf.run(
        ["predict", classifier, store, "--output", "\(folder)/p.tsv"])
      #expect(predicted.output.contains("100.00 %"), "\(predicted.output)")

      for format in ["svmlight", "csv", "npy"] {
        let exported = try Program.decaf.run(
          ["export", store, "--format", format, "--output", "\(folder)/x.\(format)"])
        #expect(exported.status == 0 && exported.output.contains("12; left out: 0"))
      }
      #expect(
        try String(contentsOfFile: "\(folder)/x.svmlight", encoding: .utf8)
          .hasPrefix("1 3:0.05\n2 1:1.0 3:0.15\n"))
      for ending in ["svg", "html", "tsv"] {
        let drawn = try Program.decaf.run(["embed", store, "--output", "\(folder)/x.\(ending)"])
        #expect(drawn.status == 0 && drawn.output.contains("12 of 12"), "\(drawn.errors)")
        let text = try String(contentsOfFile: "\(folder)/x.\(ending)", encoding: .utf8)
        #expect(text.contains("a.svm#11"))
      }
      for arguments in [
        ["embed", store, "--output", "\(folder)/e.npy"],
        [
          "embed", store, "--method", "pca", "--compare", "fc6,\(store):decaf6", "--output",
          "\(folder)/e.svg",
        ],
        ["neighbors", store, "--query", "a.svm#11", "--output", "\(folder)/n.tsv"],
        ["neighbors", store, "--output", "\(folder)/n.html"],
        ["rdm", store, "--compare", "fc6", "--output", "\(folder)/r.npy"],
        ["rdm", store, "--output", "\(folder)/r.svg"],
        ["rdm", store, "--output", "\(folder)/r.tsv"],
      ] {
        // Twice: what decaf made before is replaced.
        for _ in 0..<2 {
          let made = try Program.decaf.run(arguments)
          #expect(made.status == 0, "\(arguments): \(made.errors)")
        }
      }
      let near = try String(contentsOfFile: "\(folder)/n.tsv", encoding: .utf8)
      #expect(near.split(separator: "\n").count == 11)
      #expect(try Program.decaf.run(["rdm", store, "--output", "\(folder)/a.tsv"]).status == 0)
      let foreign = try Program.decaf.run(["rdm", store, "--output", "\(folder)/n.tsv"])
      #expect(foreign.status == 73, "\(foreign.errors)")
      // Rank 0 works alone, says so, and makes the same bytes.
      let ranks = try Program.decaf.on(ranks: 2).run(
        ["embed", store, "--output", "\(folder)/2.npy", "--threads", "2"])
      #expect(ranks.status == 0, "\(ranks.errors)")
      #expect(ranks.errors.components(separatedBy: "rank 0 works alone").count == 2)
      #expect(
        FileManager.default.contents(atPath: "\(folder)/2.npy")
          == FileManager.default.contents(atPath: "\(folder)/e.npy"))
      let png = try Program.decaf.run(["embed", store, "--output", "\(folder)/x.png"])
      #expect(png.status == 64 && png.errors.contains(".svg"))
      let unknown = try Program.decaf.run(
        ["export", store, "--layer", "fc7", "--format", "csv", "--output", "\(folder)/y"])
      #expect(unknown.status == 64 && unknown.errors.contains("it has fc6"))

      let unlabelled = try Program.decaf.run(
        ["export", store, "--format", "npy", "--output", "\(folder)/u.npy"])
      #expect(unlabelled.status == 0, "\(unlabelled.errors)")
      let bare = try Program.decaf.run(
        ["import", "\(folder)/u.npy", "--layer", "fc6", "--output", "\(folder)/bare"])
      #expect(bare.output.contains("no labels; train and evaluate need them"), "\(bare.output)")
      // A table as it was exported is the same store again, but for where it came from.
      let table = try Program.decaf.run(
        ["import", "\(folder)/x.csv", "--layer", "fc6", "--output", "\(folder)/table"])
      #expect(table.status == 0 && table.output.contains("12 labelled in 2 classes"))

      // Damage that the sizes do not show is found by --check.
      let damaged = "\(folder)/damaged"
      try FileManager.default.copyItem(atPath: store, toPath: damaged)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: "\(damaged)/fc6.npy"))
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: URL(fileURLWithPath: "\(damaged)/fc6.npy"))
      for command in [
        ["predict", classifier, damaged], ["embed", damaged],
        ["export", damaged, "--format", "csv"],
      ] {
        let ending = command[0] == "embed" ? "svg" : "txt"
        let run = try Program.decaf.run(
          command + ["--check", "--output", "\(folder)/checked.\(ending)"])
        #expect(run.status == 65 && run.errors.contains("SHA-256"), "\(command): \(run.errors)")
      }

      // Features of another origin are not what the classifier was trained on.
      let other = "\(folder)/other"
      _ = try Program.decaf.run(
        ["import", "\(folder)/a.svm", "--layer", "fc6", "--origin", "x", "--output", other])
      let refused = try Program.decaf.run(
        ["predict", classifier, other, "--output", "\(folder)/q.tsv"])
      #expect(refused.status == 65 && refused.errors.contains("imported"), "\(refused.errors)")
      // The same command again finds its own store; another one must not touch it.
      let again = ["import", "\(folder)/a.svm", "--layer", "fc6", "--output", store]
      let repeated = try Program.decaf.run(again)
      #expect(repeated.status == 0 && repeated.output.contains("is there already"))
      let changed = try Program.decaf.run(again + ["--dtype", "float16"])
      #expect(changed.status == 73 && changed.errors.contains("dtype"), "\(changed.errors)")
      #expect(try Program.decaf.run(again + ["--dtype", "float16", "--overwrite"]).status == 0)
    }
  }

  @Test(
    arguments: [
      ("none.svm", [], 65, "none.svm"), ("bad.svm", [], 65, "line 2"),
      ("a.svm", ["--labels", "nothing.txt"], 65, "nothing.txt"),
      ("a.svm", ["--labels", "l.txt"], 65, "found 2 labels, expected 12"),
      ("a.svm", ["--variable", "x"], 64, "--variable"), ("a.svm", ["--width", "2"], 64, "--width"),
      ("a.svm", ["--layer", "a/b"], 64, "--layer"), ("l.txt", [], 65, "MATLAB"),
      ("a.svm", ["--labels", "l.txt", "--list", "l.txt"], 64, "--list"),
      ("a.svm", ["--list", "l.txt"], 65, "expected 12"),
    ] as [(String, [String], Int32, String)])
  func problemsAreNamed(file: String, options: [String], status: Int32, mention: String) throws {
    try withTemporaryFolder { folder in
      try Self.write(Self.rows.joined(separator: "\n"), "\(folder)/a.svm")
      try Self.write("1 1:1\n1 2\n", "\(folder)/bad.svm")
      try Self.write("x.jpg\ny.jpg\n", "\(folder)/l.txt")
      let options = options.map { $0.hasSuffix(".txt") ? "\(folder)/\($0)" : $0 }
      let run = try Program.decaf.run(
        ["import", "\(folder)/\(file)", "--layer", "fc6", "--output", "\(folder)/store"] + options)
      #expect(run.status == status, "\(run.errors)")
      #expect(run.errors.contains(mention), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
    }
  }
}
