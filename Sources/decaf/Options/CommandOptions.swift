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
    for argument in tool.command.arguments ?? [] where argument.shouldDisplay {
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
