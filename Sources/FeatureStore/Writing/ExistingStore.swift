internal import Files

/// What a folder holds that is to become, or to stay, a store.
///
/// A manifest comes before a journal: completing writes the one, then removes the other, so a journal
/// beside a manifest is what a kill between the two left.
enum ExistingStore {
  case nothing
  case running(Provenance)
  case complete(StoreManifest)
  /// Its manifest or journal cannot be read.
  case unreadable(StoreError)

  /// - Throws: `folderInUse` when the folder holds other things; `cannotRead`.
  init(_ folder: StoreFolder) throws(StoreError) {
    let names = try reading { () throws(SystemError) in try folder.names() }
    if names.contains(StoreLayout.manifest) {
      do throws(StoreError) {
        if let manifest = try StoreManifest.read(folder) {
          self = .complete(manifest)
          return
        }
      } catch {
        self = .unreadable(error)
        return
      }
    }
    if names.contains(StoreLayout.journal) {
      do throws(StoreError) {
        self = .running(try Journal.job(folder))
      } catch { self = .unreadable(error) }
      return
    }
    let ours = [StoreLayout.lock, StoreLayout.journal + StoreLayout.partial]
    if let foreign = names.first(where: { !ours.contains($0) }) {
      throw .folderInUse(path: folder.path, found: foreign)
    }
    let lock = try reading { () throws(SystemError) in
      try FileLock.contents(of: folder.path(of: StoreLayout.lock))
    }
    guard LockHolder.mayHaveWritten(lock ?? []) else {
      throw .folderInUse(path: folder.path, found: StoreLayout.lock)
    }
    self = .nothing
  }
}

extension StoreWriter {
  /// The identity of the job whose store lies at `path`, complete or not; nil when there is none that
  /// can be read. Takes no lock: `open` looks again.
  package static func existingJob(_ path: String) -> Provenance? {
    let folder = StoreFolder(path)
    if let manifest = try? StoreManifest.read(folder) { return manifest.provenance }
    return try? Journal.job(folder)
  }
}
