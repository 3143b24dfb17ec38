internal import Files
internal import Foundation

/// A store's folder whose lock this process holds, and in which nothing is changed yet.
package struct StoreReservation {
  /// What there is to reserve.
  package enum Outcome {
    /// A complete store of the same job: nothing is to be done, and no lock was taken.
    case complete(StoreWriter)
    case reserved(StoreReservation)
  }

  /// Written into the lock; whoever sees the same folder reads it there.
  package var nonce: String { lock.holder.nonce }

  private let opening: StoreOpening
  private let lock: StoreLock
  /// The folder was made for it.
  private let isNewFolder: Bool

  init(_ opening: StoreOpening, _ lock: StoreLock, isNewFolder: Bool) {
    self.opening = opening
    self.lock = lock
    self.isNewFolder = isNewFolder
  }

  /// Makes the store, or continues the one there is.
  ///
  /// - Throws: as `StoreWriter.open`; the lock is then given up.
  package func open() throws(StoreError) -> StoreWriter { try opening.open(lock) }

  /// Gives the lock up, and leaves all as it was.
  package func abandon() {
    try? lock.remove(from: opening.folder)
    lock.release()
    if isNewFolder { FileSystem.removeFolderIfEmpty(opening.folder.path) }
  }

  /// Looks for a store's lock where this process sees the folder.
  ///
  /// On a network file system a name that was just made may take a moment to be seen elsewhere.
  ///
  /// - Throws: `differentDirectory` when this is not the folder in which `nonce` was written, or when
  ///   files in it cannot be written; `cannotRead`.
  package static func requireSeen(_ path: String, nonce: String) throws(StoreError) {
    var found: LockHolder?
    for attempt in 0..<3 {
      if attempt > 0 { Thread.sleep(forTimeInterval: 0.1) }
      let contents = try reading { () throws(SystemError) in
        try FileLock.contents(of: StoreFolder(path).path(of: StoreLayout.lock))
      }
      found = contents.flatMap { LockHolder($0) }
      if found?.nonce == nonce {
        return try writing { () throws(SystemError) in try FileSystem.requireWritable(path) }
      }
    }
    throw .differentDirectory(path: path, host: FileSystem.hostName, found: found)
  }
}
