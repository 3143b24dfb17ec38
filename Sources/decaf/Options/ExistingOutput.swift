internal import Communication
internal import Files

/// What a command does about an output that is there already: finished results are never replaced
/// silently.
///
/// Without `--overwrite` what is there stays. Where it tells that the very same command made it, there
/// is nothing left to do; else the command is refused with status 73.
enum ExistingOutput {
  /// What to do.
  enum Decision: Int64 {
    /// There is nothing, or it may be replaced.
    case write
    /// The same command made what is there.
    case finished
  }

  /// Decides about a file or folder, before any work is done.
  ///
  /// For rank 0, within `agree`: the others learn of it by `CommandContext.shared`.
  ///
  /// - Parameters:
  ///   - overwrite: whether `--overwrite` was given.
  ///   - isOfSameCommand: whether what is there tells that the same command made it; results of kinds
  ///     that do not tell leave this out.
  /// - Throws: `ExistingOutputError.exists`.
  static func decide(
    _ path: String, overwrite: Bool, isOfSameCommand: () throws -> Bool = { false }
  ) throws -> Decision {
    if overwrite { return .write }
    if try FileSystem.byteCount(of: path) == nil { return .write }
    if try isOfSameCommand() { return .finished }
    throw ExistingOutputError.exists(path: path)
  }
}

/// Why an output is not written.
enum ExistingOutputError: ErrorWithStatus, Equatable, CustomStringConvertible {
  /// Something is there, and does not tell that this command made it.
  case exists(path: String)

  var description: String {
    switch self {
    case .exists(let path):
      "\(path) is there already, and does not tell that this very command made it; choose another "
        + "--output, or replace it with --overwrite"
    }
  }

  var exitStatus: ExitStatus { .cannotCreate }
}

extension CommandContext {
  /// Runs `body` on rank 0 and gives all ranks its decision, or its error. Collective.
  ///
  /// - Throws: `JobFailure`.
  func shared(_ body: () throws -> ExistingOutput.Decision) throws -> ExistingOutput.Decision {
    var decision = try communicator.agree {
      isRoot ? [try body().rawValue] : [ExistingOutput.Decision.write.rawValue]
    }
    try communicator.allreduce(&decision, .maximum)
    return ExistingOutput.Decision(rawValue: decision[0])!
  }
}
