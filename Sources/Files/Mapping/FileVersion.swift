import Glibc

/// Which file a path names, and the state of it that a write changes.
struct FileVersion: Equatable, Sendable {
  private let identity: FileIdentity
  private let byteCount: Int
  /// Of the last change of its contents, since 1970.
  private let seconds: Int
  private let nanoseconds: Int

  init(_ status: stat) {
    identity = FileIdentity(status)
    byteCount = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }

  /// The same text for the same version of the same file, on one host.
  var key: String { "\(identity.key) \(byteCount) \(seconds).\(nanoseconds)" }

  /// What became of the file, in words; nil when it is the same.
  func change(to other: FileVersion?) -> String? {
    guard let other else { return "it is not there any more" }
    if self == other { return nil }
    if byteCount != other.byteCount { return "it has \(other.byteCount) bytes, had \(byteCount)" }
    return identity == other.identity ? "it was written" : "another file took its place"
  }
}

extension FileSystem {
  /// The version of the file at the path, nil when there is none.
  static func version(of path: String) throws(SystemError) -> FileVersion? {
    var status = stat()
    if stat(path, &status) == 0 { return FileVersion(status) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw SystemError("inspect", path: path)
  }
}
