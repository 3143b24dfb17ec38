internal import ArgumentParser
internal import Files

/// Wrong usage that a command finds while it runs, with the command's own usage.
struct UsageError: ErrorWithStatus, CustomStringConvertible {
  let description: String

  init(_ error: ValidationError, of command: any ParsableCommand.Type) {
    let usage = Decaf.usageString(for: command)
    description = "\(error.message)\nUsage: \(usage)"
  }

  var exitStatus: ExitStatus { .usage }
}
