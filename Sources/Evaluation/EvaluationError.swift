package import Files

/// Why a protocol cannot be run.
package enum EvaluationError: ErrorWithStatus, Equatable, Sendable, CustomStringConvertible {
  case unknownProtocol(String, presets: [String])
  case unreadable(SystemError)
  /// Everything that is wrong with the protocol from `source`.
  case invalidProtocol(source: String, problems: [String])
  /// Everything that is wrong with the stores that were given.
  case unusableStores(problems: [String])
  case cannotWrite(SystemError)

  package var description: String {
    switch self {
    case .unknownProtocol(let name, let presets):
      """
      no protocol “\(name)”; expected one of \(presets.joined(separator: ", ")), or a YAML file like \
      those of Configs/protocols
      """
    case .unreadable(let error): "protocol: \(error)"
    case .invalidProtocol(let source, let problems):
      "protocol \(source): " + problems.joined(separator: "; ")
    case .unusableStores(let problems):
      "cannot evaluate: " + problems.joined(separator: "; ")
    case .cannotWrite(let error):
      "\(error); choose another --output or make room, and run the same command again"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .unknownProtocol: .usage
    case .cannotWrite: .cannotCreate
    default: .badInput
    }
  }
}
