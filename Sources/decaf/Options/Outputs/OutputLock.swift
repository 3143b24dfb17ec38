internal import Communication
internal import Files
internal import Glibc
internal import Logging

/// Keeps a second job from the output, and the checkpoints beside it, that this one works on.
///
/// Two trainings of one output would each take the other's checkpoints away. The lock ends with its
/// process, however that ends; the file is removed with it where the process can.
final class OutputLock {
  private let lock: FileLock

  private init(_ lock: FileLock) { self.lock = lock }

  /// - Parameters:
  ///   - path: the lock's file.
  ///   - output: what it stands for, as the user named it.
  /// - Returns: nil where the file system has no locks: there, two jobs at once are not noticed.
  /// - Throws: `OutputLockError.held`; `.cannotWrite` where the file cannot be made.
  static func acquire(_ path: String, output: String) throws(OutputLockError) -> OutputLock? {
    let attempt: FileLock.Attempt
    do throws(SystemError) {
      attempt = try FileLock.acquire(path, contents: LockHolder.current().bytes)
    } catch {
      if [ENOLCK, ENOTSUP, ENOSYS].contains(error.code) {
        try? FileSystem.removeFile(path)
        return nil
      }
      throw .cannotWrite(error)
    }
    switch attempt {
    case .acquired(let lock): return OutputLock(lock)
    case .held(let contents): throw .held(output: output, holder: LockHolder(contents))
    }
  }

  // The file first: whoever opened it meanwhile finds that it is no longer the one in the folder.
  deinit {
    try? FileSystem.removeFile(lock.path)
    lock.release()
  }
}

extension CommandContext {
  /// Runs `body` while rank 0 holds the lock of its output. Collective.
  ///
  /// - Throws: `JobFailure` where another job holds it; what `body` throws.
  func locking<Result>(
    _ path: String, output: String, _ body: () throws -> Result
  ) throws -> Result {
    let lock = try communicator.agree {
      isRoot ? try OutputLock.acquire(path, output: output) : nil
    }
    if isRoot && lock == nil {
      log.warning("no locks on \(path): a second job on \(output) would not be noticed")
    }
    return try withExtendedLifetime(lock) { try body() }
  }
}

/// Why an output's lock was not taken.
enum OutputLockError: ErrorWithStatus, CustomStringConvertible {
  case held(output: String, holder: LockHolder?)
  case cannotWrite(SystemError)

  var description: String {
    switch self {
    case .held(let output, let holder):
      "\(output) is being made by \(holder?.description ?? "another process"); wait for it, or "
        + "choose another --output"
    case .cannotWrite(let error): "cannot make the output's lock: \(error)"
    }
  }

  var exitStatus: ExitStatus { .cannotCreate }
}
