internal import Communication
internal import ConvNet
internal import Files
internal import Plotting

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

extension ExistingOutput {
  /// Decides about a file of weights: one with the same numbers and architecture is finished.
  static func decide(_ model: Model, at path: String, overwrite: Bool) throws -> Decision {
    try decide(path, overwrite: overwrite) {
      guard let found = try? Model.open(path) else { return false }
      return found.weightsSHA256 == model.weightsSHA256 && found.architecture == model.architecture
    }
  }
}

/// What a command does about a picture or page that is there already: one of this program's own
/// making is replaced, and nothing else.
enum ExistingPicture {
  /// Refuses to replace another file.
  ///
  /// - Parameter isOwn: whether a file that begins with these bytes was drawn by this program.
  /// - Throws: `ExistingOutputError.notAPicture`; `SystemError` for a file that cannot be read.
  static func check(_ path: String, isOwn: ([UInt8]) -> Bool) throws {
    guard let byteCount = try FileSystem.byteCount(of: path) else { return }
    if FileSystem.isFolder(path) { throw ExistingOutputError.notAPicture(path: path) }
    let start = try PositionedFile(path, .read).read(min(byteCount, PictureMark.reach), at: 0)
    if !isOwn(start) { throw ExistingOutputError.notAPicture(path: path) }
  }

  /// Writes a picture; it appears when it is complete.
  ///
  /// - Throws: `ExistingOutputError.cannotWrite`.
  static func write(_ text: String, to path: String) throws(ExistingOutputError) {
    do throws(SystemError) {
      let file = try ReplacementFile(path)
      try file.append(Array(text.utf8))
      try file.commit()
    } catch { throw .cannotWrite(error) }
  }
}

/// Why an output is not written.
enum ExistingOutputError: ErrorWithStatus, Equatable, CustomStringConvertible {
  /// Something is there, and does not tell that this command made it.
  case exists(path: String)
  /// Something is there that this program did not draw.
  case notAPicture(path: String)
  case cannotWrite(SystemError)

  var description: String {
    switch self {
    case .exists(let path):
      "\(path) is there already, and does not tell that this very command made it; choose another "
        + "--output, or replace it with --overwrite"
    case .notAPicture(let path):
      "\(path) is there already, and decaf did not draw it; choose another name, or remove it"
    case .cannotWrite(let error): "\(error)"
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
