internal import Files
internal import Foundation

/// Standard output of the commands whose whole result it is.
enum StandardOutput {
  /// Writes bytes that need not be UTF-8.
  ///
  /// - Throws: `OutputError`.
  static func write(_ bytes: [UInt8]) throws {
    // What was printed before comes first.
    fflush(nil)
    do { try FileHandle.standardOutput.write(contentsOf: Data(bytes)) } catch {
      throw OutputError(reason: error.localizedDescription)
    }
  }

  /// Writes out what was printed so far.
  ///
  /// - Throws: `OutputError`, for earlier lines too: `print` itself tells nobody.
  static func flush() throws {
    if fflush(nil) != 0 { throw OutputError(reason: String(cString: strerror(errno))) }
  }
}

/// Standard output cannot be written.
struct OutputError: ErrorWithStatus, CustomStringConvertible {
  let reason: String

  var description: String { "cannot write standard output: \(reason)" }

  var exitStatus: ExitStatus { .cannotCreate }
}
