internal import Files

/// The steps of `StoreWriter.open`.
///
/// Each change leaves one of these, so that opening may be killed between any two:
/// - nothing, or a lock alone: no store yet;
/// - a journal, no manifest: a job that continues;
/// - a manifest: a complete store; a journal beside it is a leftover and says nothing.
struct StoreOpening {
  let folder: StoreFolder
  let provenance: Provenance
  let classes: [String]
  let overwrite: Bool
  let retryFailed: Bool
  /// Nil when the list has no relative path, or when nobody knows.
  let root: ImageRoot?
  /// Why reading the store's files through should stop; nil while it should go on.
  let stopReason: @Sendable () -> String?

  func run() throws(StoreError) -> StoreWriter {
    switch try reserve() {
    case .complete(let writer): return writer
    case .reserved(let reservation): return try reservation.open()
    }
  }

  /// Takes the lock, and changes nothing else.
  func reserve() throws(StoreError) -> StoreReservation.Outcome {
    let isNew = !FileSystem.isFolder(folder.path)
    do throws(SystemError) { try folder.make() } catch { throw .cannotMake(error) }
    // Before the lock file is made: a folder that is none of this job's is left as it is.
    if let writer = try completeWithoutLock() { return .complete(writer) }
    return .reserved(StoreReservation(self, try makeLock(), isNewFolder: isNew))
  }

  /// Makes or continues the store under its lock.
  func open(_ lock: StoreLock) throws(StoreError) -> StoreWriter {
    do throws(StoreError) {
      return try run(lock)
    } catch {
      // A complete store that stays as it is keeps no lock file.
      if case .complete? = try? ExistingStore(folder, for: provenance) {
        try? lock.remove(from: folder)
      }
      lock.release()
      throw error
    }
  }

  private func makeLock() throws(StoreError) -> StoreLock {
    do throws(StoreError) { return try StoreLock(folder) } catch {
      guard case .cannotWrite(let reason) = error else { throw error }
      let hasRows = [StoreLayout.manifest, StoreLayout.journal].contains { name in
        ((try? folder.byteCount(of: name)) ?? nil) != nil
      }
      throw hasRows ? error : .cannotMake(reason)
    }
  }

  private func run(_ lock: StoreLock) throws(StoreError) -> StoreWriter {
    switch try ExistingStore(folder, for: provenance) {
    case .nothing:
      return try create(lock)
    case .unreadable(let error):
      guard overwrite else { throw error }
      // Its own list of files is gone; this job's is the best guess. Files beyond it stay: nothing
      // is removed that this program cannot tell to be its own.
      try discard(provenance)
      return try create(lock)
    case .complete(let manifest):
      // Looked at again under the lock: another process may have completed it since.
      if overwrite, try !isJustCompleted(manifest) {
        try discard(manifest.provenance)
        return try create(lock)
      }
      try requireSameJob(manifest.provenance)
      try requireSameRoot(RunRecords(folder).root)
      if try needsWork(manifest) {
        return try resume(lock, notes: reopen(manifest))
      }
      try removeLeftovers(lock)
      return StoreWriter(folder: folder, manifest: manifest)
    case .running(let job):
      guard overwrite else {
        try requireSameJob(job)
        return try resume(lock)
      }
      // The job that is to be continued was itself started with --overwrite, and a queue starts it
      // again with the same command line: what it has done since must not be thrown away.
      if job.fingerprint == provenance.fingerprint {
        do throws(StoreError) { return try resume(lock) } catch {
          switch error {
          case .unusableJob, .otherRoot: break
          default: throw error
          }
        }
      }
      try discard(job)
      return try create(lock)
    }
  }

  /// The complete store of this job when there is nothing to change; needs no right to write.
  ///
  /// - Throws: what will not change by taking the lock.
  private func completeWithoutLock() throws(StoreError) -> StoreWriter? {
    switch try ExistingStore(folder, for: provenance) {
    case .nothing: return nil
    case _ where overwrite: return nil
    case .unreadable(let error): throw error
    case .running(let job):
      try requireSameJob(job)
      return nil
    case .complete(let manifest):
      try requireSameJob(manifest.provenance)
      try requireSameRoot(RunRecords(folder).root)
      if try needsWork(manifest) { return nil }
      let names = try reading { () throws(SystemError) in try folder.names() }
      if leftovers.contains(where: names.contains) { return nil }
      return StoreWriter(folder: folder, manifest: manifest)
    }
  }

  /// Whether the same job's completion was cut short after the manifest: then this is the command
  /// line that made the store, and not one that is to replace it.
  private func isJustCompleted(_ manifest: StoreManifest) throws(StoreError) -> Bool {
    let names = try reading { () throws(SystemError) in try folder.names() }
    guard manifest.fingerprint == provenance.fingerprint.hexadecimal,
      names.contains(StoreLayout.journal)
    else { return false }
    var state = JobState()
    guard (try? Journal.read(folder, { state.apply($0) })) != nil else { return false }
    return state.finished.count == manifest.rowCount
  }

  private func requireSameJob(_ job: Provenance) throws(StoreError) {
    if job.fingerprint == provenance.fingerprint { return }
    throw .otherJob(path: folder.path, differences: provenance.differences(from: job))
  }

  /// The same list under another folder names other images, unless the user says that they are the
  /// same. Stores of earlier versions do not tell.
  func requireSameRoot(_ recorded: String?) throws(StoreError) {
    guard let root, !root.isMoved, let recorded,
      !recorded.utf8.elementsEqual(root.path.utf8)
    else { return }
    throw .otherRoot(path: folder.path, recorded: recorded, given: root.path)
  }

  /// Names that a complete store has only when its completion was cut short.
  var leftovers: [String] {
    [
      StoreLayout.journal, StoreLayout.journal + StoreLayout.partial,
      StoreLayout.manifest + StoreLayout.partial, StoreLayout.rows + StoreLayout.partial,
      StoreLayout.lock,
    ]
  }
}
