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
  /// What an unfinished evaluation has done cannot be read, or not be understood.
  case unreadableProgress(SystemError)
  case invalidProgress(path: String, reason: String)
  /// The folder belongs to an unfinished evaluation that differs in what `differences` names.
  case otherEvaluation(path: String, differences: [String])
  /// A folder's results are not what this program writes.
  case unreadableResults(path: String, problem: String)

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
    case .unreadableProgress(let error):
      "\(error); it is what an unfinished evaluation has done; begin anew with --overwrite"
    case .invalidProgress(let path, let reason):
      """
      cannot continue from \(path): \(reason); expected what an unfinished evaluation has done; remove \
      it, or begin anew with --overwrite
      """
    case .otherEvaluation(let path, let differences):
      """
      \(path) is of another evaluation: \(differences.joined(separator: "; ")); finish that one, choose \
      another --output, or begin anew with --overwrite
      """
    case .unreadableResults(let path, let problem):
      "\(path)/results.json is not as decaf evaluate writes it: \(problem); run the evaluation again"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .unknownProtocol: .usage
    case .cannotWrite, .otherEvaluation: .cannotCreate
    default: .badInput
    }
  }
}
