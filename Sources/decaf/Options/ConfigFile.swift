internal import ArgumentParser
internal import Files
internal import Presets
internal import Yams

/// Options from a YAML file: `--config FILE`, keys named like the options.
///
/// A YAML list stands for the occurrences of an option that may be repeated, and for a list
/// separated by commas of any other.
enum ConfigFile {
  /// The command line with the options of its `--config` file put before its own.
  ///
  /// What stands later wins, so the command line does.
  ///
  /// - Throws: `ConfigError`, for keys that are no options of the command, too.
  static func expanding(_ arguments: [String]) throws -> [String] {
    var rest: [String] = []
    var path: String?
    var iterator = arguments.makeIterator()
    while let argument = iterator.next() {
      if argument == "--" {
        rest.append(argument)
        while let other = iterator.next() { rest.append(other) }
      } else if argument == "--config" {
        guard let value = iterator.next() else { throw ConfigError.noFile }
        path = value
      } else if argument.hasPrefix("--config=") {
        path = String(argument.dropFirst("--config=".count))
      } else {
        rest.append(argument)
      }
    }
    guard let path else { return arguments }
    let (command, depth) = CommandOptions.command(named: rest)
    if depth == 0 { return rest }  // the parser says what is missing
    let written = try options(in: path, for: CommandOptions(command))
    return rest.prefix(depth) + written + rest.dropFirst(depth)
  }

  private static func options(in path: String, for known: CommandOptions) throws -> [String] {
    let text = try text(of: path)
    let node: Node?
    do { node = try YAMLText.compose(text) } catch {
      throw ConfigError.unusable(path: path, reason: "\(error)")
    }
    guard let node else { return [] }
    guard let mapping = node.mapping else { throw ConfigError.notAMapping(path: path) }
    return try mapping.flatMap { key, value -> [String] in
      guard let name = key.string else { throw ConfigError.notAMapping(path: path) }
      if known.flags.contains(name) {
        guard let isOn = value.bool else { throw ConfigError.notABool(path: path, key: name) }
        return isOn ? ["--\(name)"] : []
      }
      guard known.options.contains(name) else {
        throw ConfigError.unknownKey(path: path, key: name, known: known.all)
      }
      let nodes = value.sequence.map { Array($0) } ?? [value]
      if nodes.isEmpty { throw ConfigError.notAScalar(path: path, key: name) }
      let values = try nodes.map { try scalar($0, name, path) }
      let isRepeated = known.repeatable.contains(name)
      // Name and value in one argument, so that a value that starts with a dash is one.
      return (isRepeated ? values : [values.joined(separator: ",")]).map { "--\(name)=\($0)" }
    }
  }

  private static func text(of path: String) throws -> String {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try PositionedFile(path, .read).read(YAMLText.mostBytes + 1, at: 0)
    } catch { throw ConfigError.unreadable(error) }
    if bytes.count > YAMLText.mostBytes {
      throw ConfigError.unusable(
        path: path, reason: "it has more than \(YAMLText.mostBytes) bytes, expected a few options")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigError.unusable(path: path, reason: "it is not UTF-8 text")
    }
    return text
  }

  private static func scalar(_ node: Node, _ name: String, _ path: String) throws -> String {
    guard let text = node.scalar?.string, !text.isEmpty else {
      throw ConfigError.notAScalar(path: path, key: name)
    }
    return text
  }
}

/// Why a `--config` file cannot be used.
enum ConfigError: ErrorWithStatus, CustomStringConvertible {
  case noFile
  case unreadable(SystemError)
  case unusable(path: String, reason: String)
  case notAMapping(path: String)
  case unknownKey(path: String, key: String, known: [String])
  case notABool(path: String, key: String)
  case notAScalar(path: String, key: String)

  var description: String {
    switch self {
    case .noFile: "--config: expected a file name after it"
    case .unreadable(let error): "--config: \(error)"
    case .unusable(let path, let reason): "--config \(path): \(reason)"
    case .notAMapping(let path):
      "--config \(path): expected lines “option: value”, with options named as on the command line"
    case .unknownKey(let path, let key, let known):
      "--config \(path): \(key): no option of this command"
        + (Spelling.nearest(to: key, among: known).map { ", perhaps \($0)" } ?? "")
        + "; expected one of " + known.joined(separator: ", ")
    case .notABool(let path, let key):
      "--config \(path): \(key): expected true or false"
    case .notAScalar(let path, let key):
      "--config \(path): \(key): expected one value, or a list of values"
    }
  }

  var exitStatus: ExitStatus { .usage }
}
