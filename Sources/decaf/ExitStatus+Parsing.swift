internal import ArgumentParser
package import Files

extension ValidationError: ErrorWithStatus {
  package var exitStatus: ExitStatus { .usage }
}

extension ExitStatus {
  /// The status that stands for an error of the parser (help that was asked for is none), or for one
  /// of this program's own.
  init(ofParsing error: any Error) {
    let code = Decaf.exitCode(for: error)
    self = code == .failure ? ExitStatus(of: error) : ExitStatus(rawValue: code.rawValue) ?? .usage
  }
}
