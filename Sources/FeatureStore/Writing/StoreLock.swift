internal import Files
internal import Tensors

/// Who holds the lock of a store, as written in its `lock` file.
package struct LockHolder: Equatable, Sendable, CustomStringConvertible {
  package let host: String
  package let processID: Int
  /// Drawn anew by every run, so that ranks can tell whether they see the same folder.
  ///
  /// A path is no proof: `/scratch/store` may be a disk of each node's own, where a worker would
  /// find, of an earlier run, files of the right names and sizes and write rows that nobody ever
  /// reads. Host and process do not tell either: numbers of processes come again after a restart.
  package let nonce: String

  package var description: String { "process \(processID) on host \(host)" }

  private static let magic = "decaf-lock"

  /// This process, with a fresh nonce.
  static func current() -> LockHolder {
    let nonce = (0..<2).map { _ in String(UInt64.random(in: 1...UInt64.max), radix: 16) }
    return LockHolder(
      host: FileSystem.hostName, processID: FileSystem.processID,
      nonce: nonce.joined(separator: "-"))
  }

  var bytes: [UInt8] { Array("\(Self.magic) \(nonce) \(processID) \(host)\n".utf8) }

  private init(host: String, processID: Int, nonce: String) {
    self.host = host
    self.processID = processID
    self.nonce = nonce
  }

  /// Nil when `bytes` are not a whole lock file.
  init?(_ bytes: [UInt8]) {
    guard bytes.last == UInt8(ascii: "\n") else { return nil }
    let fields = String(decoding: bytes.dropLast(), as: UTF8.self)
      .split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    guard fields.count == 4, fields[0] == Self.magic, let processID = Int(fields[2]) else {
      return nil
    }
    self.init(host: String(fields[3]), processID: processID, nonce: String(fields[1]))
  }

  /// Whether a file with these contents can be a lock, be it one that a lost power supply cut
  /// short: then overwriting it harms nobody.
  static func mayHaveWritten(_ bytes: [UInt8]) -> Bool {
    let written = bytes.prefix { $0 != 0 }
    let magic = Array(magic.utf8)
    return written.count < magic.count ? magic.starts(with: written) : written.starts(with: magic)
  }
}

/// The lock of a store, held by the one process that may write it.
///
/// By `fcntl`, which network file systems pass on to the server, and which ends with its process
/// however that ends: a killed job leaves a file and no lock. Its price (POSIX, `fcntl`): "All locks
/// associated with a file for a given process shall be removed when a file descriptor for that file
/// is closed by that process". So nothing here opens the file but through `FileLock`, which keeps
/// from opening what this process has locked.
struct StoreLock {
  let holder: LockHolder
  private let lock: FileLock

  /// - Throws: `locked` when another process, or another writer of this one, holds it;
  ///   `cannotWrite` when the file cannot be made or the file system has no locks.
  init(_ folder: StoreFolder) throws(StoreError) {
    holder = LockHolder.current()
    let holder = holder
    let attempt = try writing { () throws(SystemError) in
      try FileLock.acquire(folder.path(of: StoreLayout.lock), contents: holder.bytes)
    }
    switch attempt {
    case .acquired(let lock): self.lock = lock
    case .held(let contents): throw .locked(path: folder.path, holder: LockHolder(contents))
    }
  }

  /// Who holds the lock of the store now, nil when nobody does.
  ///
  /// - Throws: `cannotRead`.
  static func currentHolder(_ folder: StoreFolder) throws(StoreError) -> LockHolder? {
    let path = folder.path(of: StoreLayout.lock)
    return try reading { () throws(SystemError) in
      guard try FileLock.isHeld(path) else { return nil }
      return try FileLock.contents(of: path).flatMap { LockHolder($0) }
    }
  }

  /// Removes the file and gives the lock up, in this order: whoever opened the file meanwhile finds
  /// that it is no longer the one in the folder.
  func remove(from folder: StoreFolder) throws(SystemError) {
    try folder.remove(StoreLayout.lock)
    lock.release()
  }

  /// Gives the lock up and leaves the file, as a killed process does.
  func release() { lock.release() }
}
