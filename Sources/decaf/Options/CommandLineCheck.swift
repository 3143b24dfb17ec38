internal import ArgumentParser
internal import Files

/// What can be said better about a command line than the parser does, which finds what is missing
/// before what is misspelled.
enum CommandLineCheck {
  /// The command line with each negative number in one argument with its option, as the parser takes
  /// what starts with a dash for an option: `--C -1` is `--C=-1`, whose range can then be told.
  ///
  /// - Throws: `CommandLineError`, for a command or an option that is not there.
  static func run(_ arguments: [String]) throws(CommandLineError) -> [String] {
    let (command, depth) = CommandOptions.command(named: arguments)
    let path = (["decaf"] + arguments.prefix(depth)).joined(separator: " ")
    try checkCommand(arguments.dropFirst(depth).first, of: command, path: path)
    let options = CommandOptions(command)
    // Help is given whatever stands beside it, and the parser's own commands are its own.
    let isForParser = arguments.contains { ["-h", "--help", "--help-hidden"].contains($0) }
    if isForParser || arguments.first == "help" { return arguments }
    var checked: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" { return checked + [argument] + rest }
      guard argument.hasPrefix("-"), argument != "-" else {
        checked.append(argument)
        continue
      }
      let name = String(argument.prefix { $0 != "=" })
      guard options.knows(name) else {
        throw .unknownOption(
          name, command: path, nearest: Spelling.nearest(to: bare(name), among: options.all))
      }
      let takesValue = options.takesValue(name) && name == argument
      if takesValue, let next = rest.first, isNegativeNumber(next) {
        checked.append("\(argument)=\(rest.removeFirst())")
      } else {
        checked.append(argument)
      }
    }
    return checked
  }

  private static func checkCommand(
    _ word: String?, of command: any ParsableCommand.Type, path: String
  ) throws(CommandLineError) {
    let names = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
      .compactMap { $0.configuration.commandName }
    guard !names.isEmpty, let word, !word.hasPrefix("-"), word != "help" else { return }
    throw .unknownCommand(word, of: path, nearest: Spelling.nearest(to: word, among: names))
  }

  private static func bare(_ name: String) -> String { String(name.drop { $0 == "-" }) }

  /// `-1`, `-.5`, `-1e3`, `-inf`.
  private static func isNegativeNumber(_ text: String) -> Bool {
    text.hasPrefix("-") && Double(text) != nil
  }
}

/// Why a command line cannot be what somebody meant.
enum CommandLineError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case unknownCommand(String, of: String, nearest: String?)
  case unknownOption(String, command: String, nearest: String?)

  var description: String {
    switch self {
    case .unknownCommand(let word, let path, let nearest):
      "unknown command '\(word)'\(Self.advice(nearest)) ('\(path) --help' lists all commands)"
    case .unknownOption(let name, let command, let nearest):
      "unknown option '\(name)'\(Self.advice(nearest.map { "--\($0)" })) "
        + "('\(command) --help' explains all options)"
    }
  }

  private static func advice(_ nearest: String?) -> String {
    nearest.map { "; did you mean '\($0)'?" } ?? ""
  }

  var exitStatus: ExitStatus { .usage }
}
