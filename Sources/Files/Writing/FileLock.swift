import Glibc
import Synchronization

/// A file locked with `fcntl`: one holder on all machines that share the file system.
///
/// The system drops the lock when its process ends, however it ends. POSIX (`fcntl`, 2017) also
/// drops it when the process closes *any* descriptor of the file, so a locked file must only be
/// read through `contents(of:)`, which never opens a file that this process has locked.
package final class FileLock: Sendable {
  /// What came of trying.
  package enum Attempt: Sendable {
    case acquired(FileLock)
    /// Another process, or this one, holds it; what it wrote into the file.
    case held(contents: [UInt8])
  }

  package let path: String
  private let identity: FileIdentity
  private let file: Mutex<PositionedFile?>

  /// Locks of this process and what it wrote into them.
  private static let held = Mutex<[FileIdentity: [UInt8]]>([:])

  private init(path: String, identity: FileIdentity, file: PositionedFile) {
    self.path = path
    self.identity = identity
    self.file = Mutex(file)
  }

  deinit { release() }

  /// Takes the lock at once or not at all, makes the file if missing, and replaces its contents.
  ///
  /// - Throws: `SystemError` when the file cannot be made or the file system has no locks.
  package static func acquire(_ path: String, contents: [UInt8]) throws(SystemError) -> Attempt {
    try held.withLock { locks throws(SystemError) -> Attempt in
      while true {
        if let identity = try FileSystem.identity(of: path), let contents = locks[identity] {
          return .held(contents: contents)
        }
        let file = try PositionedFile(path, .update)
        guard try lock(file) else {
          return .held(contents: try file.read(4096, at: 0))
        }
        // The last holder may have removed the file between our opening and our locking it.
        let identity = try identity(of: file)
        guard try FileSystem.identity(of: path) == identity else { continue }
        try file.write(contents, at: 0)
        try file.resize(to: contents.count)
        try file.synchronize()
        locks[identity] = contents
        return .acquired(FileLock(path: path, identity: identity, file: file))
      }
    }
  }

  /// What is in the file, or nil when there is none; safe for files locked by this process.
  package static func contents(of path: String) throws(SystemError) -> [UInt8]? {
    try held.withLock { locks throws(SystemError) -> [UInt8]? in
      guard let identity = try FileSystem.identity(of: path) else { return nil }
      if let contents = locks[identity] { return contents }
      do throws(SystemError) { return try PositionedFile(path, .read).read(4096, at: 0) } catch {
        if error.code == ENOENT { return nil }
        throw error
      }
    }
  }

  /// Whether some process, or this one, holds the lock on the file.
  package static func isHeld(_ path: String) throws(SystemError) -> Bool {
    try held.withLock { locks throws(SystemError) -> Bool in
      guard let identity = try FileSystem.identity(of: path) else { return false }
      if locks[identity] != nil { return true }
      let file = try PositionedFile(path, .read)
      var request = wholeFile(F_RDLCK)
      try checked("inspect the lock on", path: path) { fcntl(file.descriptor, F_GETLK, &request) }
      return request.l_type != Int16(F_UNLCK)
    }
  }

  /// Gives the lock up; the file stays. Called again, does nothing.
  package func release() {
    file.withLock { file in
      guard file != nil else { return }
      // In this order, so that nobody here opens the file before it is closed.
      Self.held.withLock { locks in
        locks[identity] = nil
        file = nil
      }
    }
  }

  private static func lock(_ file: PositionedFile) throws(SystemError) -> Bool {
    var request = wholeFile(F_WRLCK)
    while fcntl(file.descriptor, F_SETLK, &request) != 0 {
      if errno == EAGAIN || errno == EACCES { return false }
      if errno != EINTR { throw SystemError("lock", path: file.path) }
    }
    return true
  }

  private static func wholeFile(_ type: Int32) -> flock {
    var request = flock()
    request.l_type = Int16(type)
    request.l_whence = Int16(SEEK_SET)
    return request
  }

  private static func identity(of file: PositionedFile) throws(SystemError) -> FileIdentity {
    var status = stat()
    try checked("inspect", path: file.path) { fstat(file.descriptor, &status) }
    return FileIdentity(status)
  }
}
