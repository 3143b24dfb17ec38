internal import Files

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
