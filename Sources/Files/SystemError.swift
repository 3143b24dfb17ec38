import Glibc

/// A failed system call: what was attempted, on which file, and the system's reason.
package struct SystemError: ErrorWithStatus, Hashable, Sendable, CustomStringConvertible {
  /// What was attempted, as a verb phrase: “open”, “write 4096 bytes at 0”.
  package let operation: String
  package let path: String
  /// The value of `errno`; may be one this program does not know.
  package let code: Int32

  package init(_ operation: String, path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  package var description: String {
    "cannot \(operation) \(path): \(String(cString: strerror(code)))"
  }

  /// The disk, the quota or the device behind the file has no room or failed.
  package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  package var exitStatus: ExitStatus { .badInput }
}

/// Repeats `call` while it is interrupted by a signal; throws on any other negative result.
@discardableResult
func checked<T: BinaryInteger>(
  _ operation: @autoclosure () -> String, path: String, _ call: () -> T
) throws(SystemError) -> T {
  while true {
    let result = call()
    if result >= 0 { return result }
    if errno != EINTR { throw SystemError(operation(), path: path) }
  }
}

extension SystemError {
  /// A file that has to be there is not.
  package static func missing(_ path: String) -> SystemError {
    SystemError("open", path: path, code: ENOENT)
  }
}
