internal import ArgumentParser
internal import Foundation

/// The options and flags of a command that have a long name, as the parser knows them.
struct CommandOptions {
  /// Names without dashes.
  private(set) var flags: Set<String> = []
  /// Options that take a value, those that may be repeated too.
  private(set) var options: Set<String> = []
  /// Options that may be given several times, and then mean all of their values.
  private(set) var repeatable: Set<String> = []
  /// Names as they are written, hidden ones and those of the parser and of the program too.
  private var known: Set<String> = [
    "--version", "--verbose", "-h", "--help", "--help-hidden", "--generate-completion-script",
    "--experimental-dump-help",
  ]
  /// Of these, those that are followed by a value.
  private var valued: Set<String> = ["--generate-completion-script"]

  /// What `--config` cannot set: itself, and what ends the command.
  private static let excluded: Set = ["config", "help", "version"]

  /// All names, sorted.
  var all: [String] { options.union(flags).sorted() }

  /// Reads what the parser says of its own structure: the JSON that a command prints for
  /// `--experimental-dump-help`. The module that declares its types is no product of the package, so
  /// the few members that matter here are declared below; a test holds them to the help text.
  init(_ command: any ParsableCommand.Type) {
    let dump = Data(command._dumpHelp().utf8)
    guard let tool = try? JSONDecoder().decode(ToolInfo.self, from: dump) else {
      preconditionFailure("the parser describes \(command) otherwise than ToolInfo expects")
    }
    for argument in tool.command.arguments ?? [] {
      let written = (argument.names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name }
      known.formUnion(written)
      if argument.kind == "option" { valued.formUnion(written) }
      guard argument.shouldDisplay else { continue }
      let names = (argument.names ?? []).filter { $0.kind == "long" }.map(\.name)
      for name in names where !Self.excluded.contains(name) {
        if argument.kind == "flag" {
          flags.insert(name)
          continue
        }
        options.insert(name)
        if argument.isRepeating { repeatable.insert(name) }
      }
    }
  }

  /// Whether the command, or the parser, has an option written like this.
  func knows(_ name: String) -> Bool { known.contains(name) }

  /// Whether a value follows the option.
  func takesValue(_ name: String) -> Bool { valued.contains(name) }

  /// The command that the first arguments name, and how many they are.
  static func command(
    named arguments: [String]
  ) -> (command: any ParsableCommand.Type, depth: Int) {
    var command: any ParsableCommand.Type = Decaf.self
    for (depth, name) in arguments.enumerated() {
      let found = command.configuration.subcommands.first { $0.configuration.commandName == name }
      guard let found else { return (command, depth) }
      command = found
    }
    return (command, arguments.count)
  }

  /// The parser's `ToolInfoV0`, as far as it is used here.
  private struct ToolInfo: Decodable {
    let command: Command

    struct Command: Decodable {
      let arguments: [Argument]?
    }

    struct Argument: Decodable {
      /// `flag`, `option` or `positional`.
      let kind: String
      let shouldDisplay: Bool
      let isRepeating: Bool
      /// Nil for positional ones.
      let names: [Name]?
    }

    struct Name: Decodable {
      /// `long`, `short` or `longWithSingleDash`.
      let kind: String
      let name: String
    }
  }
}
