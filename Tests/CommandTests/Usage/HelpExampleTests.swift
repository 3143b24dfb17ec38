import ArgumentParser
import Files
import Foundation
import Images
import TestSupport
import Testing

@testable import decaf

/// The examples in the help of every command: they paste, and the command's own parser takes them.
@Suite struct HelpExampleTests {
  /// Every command that is shown, with the words that name it.
  static let commands = commands(of: Decaf.self, named: [])

  private static func commands(
    of command: any ParsableCommand.Type, named path: [String]
  ) -> [[String]] {
    command.configuration.subcommands.filter { $0.configuration.shouldDisplay }.flatMap { inner in
      let own = path + [inner.configuration.commandName ?? "?"]
      return [own] + commands(of: inner, named: own)
    }
  }

  @Test func everyCommandIsKnownHere() {
    #expect(Self.commands.contains(["model", "convert"]) && Self.commands.count >= 15)
  }

  @Test(arguments: commands)
  func examplesAreParsed(command: [String]) throws {
    let help = try Program.decaf.run(command + ["--help"], environment: ["COLUMNS": "80"])
    let examples = Self.examples(in: help.output)
    #expect(!examples.isEmpty, "\(command) has no example")
    for words in examples {
      #expect(words.starts(with: ["decaf"] + command), "\(words)")
      do {
        let parsed = try Decaf.parseAsRoot(CommandLineCheck.run(Array(words.dropFirst())))
        #expect(!(parsed is Decaf), "\(words)")
      } catch { Issue.record("\(words): \(Decaf.message(for: error))") }
    }
  }

  /// The words of each example: an indented line that starts a command, with the lines that a
  /// backslash joins to it, without `mpirun` and its ranks.
  private static func examples(in help: String) -> [[String]] {
    var examples: [[String]] = []
    var isContinued = false
    for line in help.split(separator: "\n") {
      if line.hasPrefix("USAGE:") { break }
      var words = line.split(separator: " ").map(String.init)
      let continues = words.last == "\\"
      if continues { words.removeLast() }
      if isContinued {
        examples[examples.count - 1] += words
      } else if line.hasPrefix("  "), ["decaf", "mpirun"].contains(words.first) {
        examples.append(words.first == "mpirun" ? Array(words.dropFirst(3)) : words)
      } else {
        continue
      }
      // What follows `>` is the shell's.
      examples[examples.count - 1] = Array(examples[examples.count - 1].prefix { $0 != ">" })
      isContinued = continues
    }
    return examples
  }

  @Test(
    arguments: [
      ("modle", "model"), ("outptu", "output"), ("arch", "architecture"), ("x", nil),
      ("colour", nil), ("thread", "threads"), ("preproces", "preprocess"),
    ] as [(String, String?)])
  func nearestNameIsFound(text: String, expected: String?) {
    let names = CommandOptions(ExtractCommand.self).all
    #expect(Spelling.nearest(to: text, among: names) == expected)
  }

  @Test func changesAreCounted() {
    func changes(_ a: String, _ b: String) -> Int {
      Spelling.changes(Array(a.utf8), Array(b.utf8))
    }
    #expect(changes("", "") == 0 && changes("", "abc") == 3 && changes("abc", "") == 3)
    #expect(changes("modle", "model") == 1 && changes("kitten", "sitting") == 3)
  }

  @Test func foldersToClassifyAreTheirImages() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        atPath: "\(folder)/b/deep", withIntermediateDirectories: true)
      for name in ["z.jpg", "b/deep/a.JPG", "b/notes.txt", ".hidden.jpg"] {
        try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      let found = try ClassifyCommand.files(["x.jpg", folder]).map(\.description)
      #expect(found == ["x.jpg", "\(folder)/z.jpg", "\(folder)/b/deep/a.JPG"])
      try FileManager.default.removeItem(atPath: "\(folder)/z.jpg")
      #expect(throws: ImageListError.self) {
        try FileManager.default.removeItem(atPath: "\(folder)/b")
        _ = try ClassifyCommand.files([folder])
      }
    }
  }

  @Test func negativeNumbersBelongToTheirOptions() throws {
    let arguments = ["train", "s", "--C", "-1", "--layer", "fc6", "--", "--C", "-1"]
    #expect(
      try CommandLineCheck.run(arguments)
        == ["train", "s", "--C=-1", "--layer", "fc6", "--", "--C", "-1"])
    #expect(throws: CommandLineError.self) {
      try CommandLineCheck.run(["train", "--strict", "-1"])
    }
  }
}
