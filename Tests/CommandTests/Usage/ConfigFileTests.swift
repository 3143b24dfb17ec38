import Foundation
import TestSupport
import Testing

/// Options from `--config FILE.yaml`.
@Suite struct ConfigFileTests {
  @Test func optionsComeFromAFileAndTheCommandLineWins() throws {
    try withTemporaryFolder { folder in
      let config = "\(folder)/extract.yaml"
      try Data("layers: [pool5, conv5]\nbatch: 7\ndtype: float16\nstrict: false\n".utf8).write(
        to: URL(fileURLWithPath: config))
      let run = try Program.decaf.run(
        try CommandFixture.extract(
          "\(folder)/store", "--config", config, "--batch", "5", "--dry-run"))
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("conv5"))
      #expect(run.output.contains("float16"))
      #expect(run.output.contains("of 5"))
    }
  }

  /// The protocol needs two stores, so it is refused where the list is one option.
  @Test func listOfARepeatableOptionIsSeveralOptions() throws {
    try withTemporaryFolder { folder in
      let rows = (0..<12).map { "c\($0 % 3) 1:\($0) 2:1" }.joined(separator: "\n")
      try Self.write(rows, "\(folder)/a.svm")
      let made = try Program.decaf.run(
        ["import", "\(folder)/a.svm", "--layer", "fc6", "--output", "\(folder)/store"])
      #expect(made.status == 0, "\(made.errors)")
      try Self.write(
        """
        name: two
        kind: fixed
        layers: [fc6, fc7]
        losses: [softmax]
        normalize: none
        C: [1]
        seed: 1
        """, "\(folder)/two.yaml")
      try Self.write(
        """
        store: [train=\(folder)/store, test=\(folder)/store]
        layers: [fc7, fc6]
        output: \(folder)/results
        """, "\(folder)/config.yaml")
      let run = try Program.decaf.run(
        ["evaluate", "\(folder)/two.yaml", "--config", "\(folder)/config.yaml", "--dry-run"])
      #expect(run.status == 0, "\(run.errors)")
      for role in ["test", "train"] {
        #expect(run.output.contains("\(role) \(folder)/store (12 rows)"), "\(run.output)")
      }
    }
  }

  /// The error of an unknown key names every option that the help explains, and no other.
  @Test(arguments: ["extract", "train", "predict", "evaluate", "profile"])
  func optionsAreThoseOfTheHelp(command: String) throws {
    try withTemporaryFolder { folder in
      try Self.write("colour: red\n", "\(folder)/config.yaml")
      let run = try Program.decaf.run([command, "--config", "\(folder)/config.yaml"])
      #expect(run.status == 64)
      let list = run.errors.split(separator: "expected one of ").last ?? ""
      let known = list.split(separator: "\n")[0].split(separator: ", ").map(String.init)
      let help = try Program.decaf.run([command, "--help"]).output
      let explained = help.split(separator: "\n").filter { $0.hasPrefix("  --") }.flatMap {
        // One option may have several names: “--network, --architecture <name>”.
        $0.split(separator: " ").prefix { $0.hasPrefix("--") }.map {
          String($0.dropFirst(2).prefix { $0 != "," })
        }
      }
      #expect(known == explained.filter { $0 != "config" }.sorted())
    }
  }

  private static func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }
}
