internal import ArgumentParser
internal import Foundation
internal import Yams

/// Options from a YAML file: `--config FILE`, keys named like the options.
enum ConfigFile {
  /// The command line with the options of its `--config` file put before its own.
  ///
  /// What stands later wins, so the command line does; keys that are no options are reported by the
  /// parser like any unknown option.
  ///
  /// - Throws: `ConfigError`.
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
    let commandDepth = rest.first == ModelCommand.configuration.commandName ? 2 : 1
    return rest.prefix(commandDepth) + (try options(in: path)) + rest.dropFirst(commandDepth)
  }

  private static func options(in path: String) throws -> [String] {
    let text: String
    do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
      throw ConfigError.unreadable(path: path, reason: error.localizedDescription)
    }
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw ConfigError.unreadable(path: path, reason: "\(error)")
    }
    guard let node else { return [] }
    guard let mapping = node.mapping else { throw ConfigError.notAMapping(path: path) }
    return try mapping.flatMap { key, value -> [String] in
      guard let name = key.string, !name.isEmpty, !name.hasPrefix("-") else {
        throw ConfigError.notAMapping(path: path)
      }
      switch value {
      case .sequence(let sequence):
        return [
          "--\(name)", try sequence.map { try scalar($0, name, path) }.joined(separator: ","),
        ]
      default:
        if let flag = value.bool { return flag ? ["--\(name)"] : [] }
        return ["--\(name)", try scalar(value, name, path)]
      }
    }
  }

  private static func scalar(_ node: Node, _ name: String, _ path: String) throws -> String {
    guard let text = node.scalar?.string else {
      throw ConfigError.notAScalar(path: path, key: name)
    }
    return text
  }
}

/// Why a `--config` file cannot be used.
enum ConfigError: Error, CustomStringConvertible {
  case noFile
  case unreadable(path: String, reason: String)
  case notAMapping(path: String)
  case notAScalar(path: String, key: String)

  var description: String {
    switch self {
    case .noFile: "--config: expected a file name after it"
    case .unreadable(let path, let reason): "--config \(path): \(reason)"
    case .notAMapping(let path):
      "--config \(path): expected lines “option: value”, with options named as on the command line"
    case .notAScalar(let path, let key):
      "--config \(path): \(key): expected one value, or a list of values"
    }
  }
}
