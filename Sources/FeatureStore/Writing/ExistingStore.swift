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

  /// - Parameter job: the one that is to be made there.
  /// - Throws: `folderInUse` when the folder holds other things; `cannotRead`.
  init(_ folder: StoreFolder, for job: Provenance) throws(StoreError) {
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
        self = .running(try Journal.job(folder, expecting: job))
      } catch { self = .unreadable(error) }
      return
    }
    let ours = [StoreLayout.lock, StoreLayout.journal + StoreLayout.partial]
    let foreign = names.filter { !ours.contains($0) }
    if !foreign.isEmpty {
      self = .unreadable(try Self.orphaned(foreign, folder, job))
      return
    }
    let lock = try reading { () throws(SystemError) in
      try FileLock.contents(of: folder.path(of: StoreLayout.lock))
    }
    guard LockHolder.mayHaveWritten(lock ?? []) else {
      throw .folderInUse(path: folder.path, found: StoreLayout.lock)
    }
    self = .nothing
  }

  /// What files without manifest and journal are: those of a running job that lost its journal.
  ///
  /// - Throws: `folderInUse` when they are anything else.
  private static func orphaned(
    _ names: [String], _ folder: StoreFolder, _ job: Provenance
  ) throws(StoreError) -> StoreError {
    let layout = StoreLayout(job)
    let companions = [
      StoreLayout.runs, StoreLayout.rows + StoreLayout.partial,
      StoreLayout.manifest + StoreLayout.partial,
    ]
    let isOurs = { (name: String) in name.hasSuffix(StoreLayout.partial) && layout.isRowFile(name) }
    if let foreign = names.first(where: { !companions.contains($0) && !isOurs($0) }) {
      throw .folderInUse(path: folder.path, found: foreign)
    }
    guard let rows = names.first(where: isOurs) else {
      throw .folderInUse(path: folder.path, found: names[0])
    }
    return .unusableJob(
      path: folder.path,
      problem: "it holds \(rows) and no journal, which alone says which rows of it are finished")
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
