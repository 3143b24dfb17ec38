package import Files

/// Why a protobuf message in a file could not be read; the file's name is part of every case, and so
/// is what was being read of it (`part`).
package enum ProtobufError: ErrorWithStatus, Hashable, Sendable, CustomStringConvertible {
  /// Something said to be at `offset` needs more bytes than the file has.
  case truncated(path: String, part: String, offset: Int, needed: Int, byteCount: Int)
  /// The bytes at `offset` cannot be what they should be.
  case malformed(path: String, part: String, offset: Int, reason: String)

  package var description: String {
    switch self {
    case .truncated(let path, let part, let offset, let needed, let byteCount):
      """
      cannot read \(part) from \(path): expected \(needed) bytes at \(offset), found \
      \(max(0, byteCount - offset)) before the end of the file; it is truncated or damaged: \
      fetch it again
      """
    case .malformed(let path, let part, let offset, let reason):
      """
      cannot read \(part) from \(path): \(reason) at byte \(offset); \
      the file is damaged or of another kind
      """
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}
