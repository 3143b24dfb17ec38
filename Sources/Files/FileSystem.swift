import Glibc

/// What a path names, however it is spelled: the device and the number of the file on it.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64

  var key: String { "\(device):\(number)" }

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
  }
}

/// Operations on folders and on names of files, with the durability that a crash-safe format needs.
package enum FileSystem {
  /// Makes the folder and those above it that are missing, each durable in the folder above.
  package static func makeFolder(_ path: String) throws(SystemError) {
    if isFolder(path) { return }
    let parent = folder(of: path)
    if parent != path { try makeFolder(parent) }
    if mkdir(path, 0o755) != 0 && !(errno == EEXIST && isFolder(path)) {
      throw SystemError("make folder", path: path, code: errno == EEXIST ? ENOTDIR : errno)
    }
    try synchronizeFolder(parent)
  }

  /// Whether `path` is a folder that can be looked at.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// - Throws: when this process may not make and write files in the folder: where its file system is
  ///   mounted for reading only, say.
  package static func requireWritable(_ path: String) throws(SystemError) {
    try checked("write in", path: path) { access(path, W_OK | X_OK) }
  }

  /// The folder that holds `path`: `.` for a bare name.
  package static func folder(of path: String) -> String {
    var bytes = Array(path.utf8)
    while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
  }

  /// The last component of `path`; all of it where it has none.
  package static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The names in the folder, sorted, without `.` and `..`; names that are not UTF-8 are repaired.
  package static func names(in path: String) throws(SystemError) -> [String] {
    guard let stream = opendir(path) else { throw SystemError("list", path: path) }
    defer { closedir(stream) }
    var names = [String]()
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw SystemError("list", path: path) }
        return names.sorted()
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  /// Gives the file another name; a file of that name is replaced in one step.
  package static func rename(_ path: String, to other: String) throws(SystemError) {
    try checked("rename to \(other)", path: path) { Glibc.rename(path, other) }
    DiskProbe.note(.rename(path, to: other))
  }

  /// Removes the file; one that is not there is no error.
  package static func removeFile(_ path: String) throws(SystemError) {
    if unlink(path) != 0 && errno != ENOENT { throw SystemError("remove", path: path) }
    DiskProbe.note(.remove(path))
  }

  /// Removes the folder if nothing is in it; says whether it is gone.
  @discardableResult
  package static func removeFolderIfEmpty(_ path: String) -> Bool {
    rmdir(path) == 0 || errno == ENOENT
  }

  /// Returns when the names in the folder (files made, renamed, removed) are on the device.
  package static func synchronizeFolder(_ path: String) throws(SystemError) {
    let descriptor = try checked("open", path: path) {
      open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    defer { close(descriptor) }
    // Some file systems (FUSE, SMB) cannot synchronize a folder and say so.
    if fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP {
      throw SystemError("synchronize", path: path)
    }
    DiskProbe.note(.synchronizeFolder(path))
  }

  /// The path as an absolute one without symbolic links, `.` and `..`; only absolute where it leads
  /// nowhere.
  package static func absolute(_ path: String) -> String {
    let path = path.isEmpty ? "." : path
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  /// What a symbolic link leads to; any other path as it is, and a link that leads nowhere too.
  static func resolvingLink(_ path: String) -> String {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let resolved = realpath(path, nil)
    else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// What the path names, or nil when there is nothing.
  package static func identity(of path: String) throws(SystemError) -> FileIdentity? {
    var status = stat()
    if stat(path, &status) == 0 { return FileIdentity(status) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw SystemError("inspect", path: path)
  }

  /// The size of the file, or nil when there is nothing at the path.
  package static func byteCount(of path: String) throws(SystemError) -> Int? {
    var status = stat()
    if stat(path, &status) == 0 { return Int(status.st_size) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw SystemError("inspect", path: path)
  }

  /// The name of this machine.
  package static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The number of this process.
  package static var processID: Int { Int(getpid()) }
}
