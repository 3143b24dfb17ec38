package import Files
internal import Formats
internal import Images
internal import Tensors

extension StoreWriter {
  /// Makes the store of a job, or continues the one there is.
  ///
  /// - A complete store of the same job: nothing to do (`isComplete`), unless `retryFailed` is set
  ///   and it has failed rows, which become unfinished.
  /// - An incomplete one of the same job is continued, with `overwrite` too: the command line that
  ///   was interrupted must continue, not start over.
  /// - Any other store, and with `overwrite` a complete one of the same job, is removed with
  ///   `overwrite`, file by file: what is not the store's stays.
  ///
  /// - Parameter classes: the list's classes in class order.
  /// - Throws: `otherJob`, `locked`, `folderInUse`, `unusableJob`, `damaged`,
  ///   `unsupportedVersion`, `invalidClass`, `cannotRead`, `cannotWrite`.
  package static func open(
    _ path: String, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false
  ) throws(FeaturesError) -> StoreWriter {
    try open(
      StoreFolder(path), provenance: provenance, classes: classes, overwrite: overwrite,
      retryFailed: retryFailed)
  }

  static func open(
    _ folder: StoreFolder, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false
  ) throws(FeaturesError) -> StoreWriter {
    let opening = Opening(
      folder: folder, provenance: provenance, classes: try StoreManifest.names(of: classes),
      overwrite: overwrite, retryFailed: retryFailed)
    return try opening.run()
  }
}

/// The steps of `StoreWriter.open`.
///
/// Each change leaves one of these, so that opening may be killed between any two:
/// - nothing, or a lock alone: no store yet;
/// - a journal, no manifest: a job that continues;
/// - a manifest: a complete store; a journal beside it is a leftover and says nothing.
private struct Opening {
  let folder: StoreFolder
  let provenance: Provenance
  let classes: [String]
  let overwrite: Bool
  let retryFailed: Bool

  private enum Existing {
    case nothing
    case running(Provenance)
    case complete(StoreManifest)
    /// Its manifest or journal cannot be read.
    case unreadable(FeaturesError)
  }

  func run() throws(FeaturesError) -> StoreWriter {
    try writing { () throws(SystemError) in try folder.make() }
    // Before the lock file is made: a folder that is none of this job's is left as it is.
    if let writer = try completeWithoutLock() { return writer }
    let lock = try StoreLock(folder)
    do throws(FeaturesError) {
      return try run(lock)
    } catch {
      // A complete store that stays as it is keeps no lock file.
      if case .complete? = try? inspect() {
        try? lock.remove(from: folder)
      }
      lock.release()
      throw error
    }
  }

  private func run(_ lock: StoreLock) throws(FeaturesError) -> StoreWriter {
    switch try inspect() {
    case .nothing:
      return try create(lock)
    case .unreadable(let error):
      guard overwrite else { throw error }
      // Its own list of files is gone; this job's is the best guess.
      try discard(provenance)
      return try create(lock)
    case .complete(let manifest):
      if overwrite, try !isJustCompleted(manifest) {
        try discard(manifest.provenance)
        return try create(lock)
      }
      try requireSameJob(manifest.provenance)
      if retryFailed && manifest.failedRowCount > 0 {
        try reopen(manifest)
        return try resume(lock)
      }
      try removeLeftovers(lock)
      return StoreWriter(folder: folder, manifest: manifest)
    case .running(let job):
      guard overwrite else {
        try requireSameJob(job)
        return try resume(lock)
      }
      if job.fingerprint == provenance.fingerprint {
        do throws(FeaturesError) { return try resume(lock) } catch {
          guard case .unusableJob = error else { throw error }
        }
      }
      try discard(job)
      return try create(lock)
    }
  }

  /// The complete store of this job when there is nothing to change; needs no right to write.
  ///
  /// - Throws: what will not change by taking the lock.
  private func completeWithoutLock() throws(FeaturesError) -> StoreWriter? {
    switch try inspect() {
    case .nothing: return nil
    case _ where overwrite: return nil
    case .unreadable(let error): throw error
    case .running(let job):
      try requireSameJob(job)
      return nil
    case .complete(let manifest):
      try requireSameJob(manifest.provenance)
      if retryFailed && manifest.failedRowCount > 0 { return nil }
      let names = try reading { () throws(SystemError) in try folder.names() }
      if leftovers.contains(where: names.contains) { return nil }
      return StoreWriter(folder: folder, manifest: manifest)
    }
  }

  private func inspect() throws(FeaturesError) -> Existing {
    let names = try reading { () throws(SystemError) in try folder.names() }
    if names.contains(StoreLayout.manifest) {
      do throws(FeaturesError) {
        if let manifest = try StoreManifest.read(folder) { return .complete(manifest) }
      } catch { return .unreadable(error) }
    }
    if names.contains(StoreLayout.journal) {
      do throws(FeaturesError) {
        return .running(try Journal.job(folder))
      } catch { return .unreadable(error) }
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
    return .nothing
  }

  /// Whether the same job's completion was cut short after the manifest: then this is the command
  /// line that made the store, and not one that is to replace it.
  private func isJustCompleted(_ manifest: StoreManifest) throws(FeaturesError) -> Bool {
    let names = try reading { () throws(SystemError) in try folder.names() }
    guard manifest.fingerprint == provenance.fingerprint.hexadecimal,
      names.contains(StoreLayout.journal)
    else { return false }
    var state = JobState()
    guard (try? Journal.read(folder, { state.apply($0) })) != nil else { return false }
    return state.finished.count == manifest.rowCount
  }

  private func requireSameJob(_ job: Provenance) throws(FeaturesError) {
    if job.fingerprint == provenance.fingerprint { return }
    throw .otherJob(path: folder.path, differences: provenance.differences(from: job))
  }

  /// Names that a complete store has only when its completion was cut short.
  private var leftovers: [String] {
    [
      StoreLayout.journal, StoreLayout.journal + StoreLayout.partial,
      StoreLayout.manifest + StoreLayout.partial, StoreLayout.rows + StoreLayout.partial,
      StoreLayout.lock,
    ]
  }

  private func removeLeftovers(_ lock: StoreLock) throws(FeaturesError) {
    try writing { () throws(SystemError) in
      for name in leftovers where name != StoreLayout.lock { try folder.remove(name) }
      try lock.remove(from: folder)
    }
  }

  /// A complete store's rows as one batch.
  private func recorded(_ manifest: StoreManifest) throws(FeaturesError) -> FinishedRows {
    let table = try RowTable(
      folder.path(of: StoreLayout.rows), count: manifest.rowCount,
      classes: manifest.classes.map { ByteString($0) })
    var exceptions = [RowException]()
    for row in 0..<table.count {
      let entry = table[row]
      if entry.status == .failed || !entry.message.isEmpty {
        exceptions.append(RowException(row: row, status: entry.status, message: entry.message))
      }
    }
    return FinishedRows(
      rows: 0..<manifest.rowCount, exceptions: exceptions, overflowCount: manifest.overflowCount,
      checksums: [])
  }

  private func create(_ lock: StoreLock) throws(FeaturesError) -> StoreWriter {
    try writing { () throws(SystemError) in try Journal.write(folder, provenance) }
    return try resume(lock)
  }

  /// Makes a complete store one that continues, its failed rows unfinished.
  private func reopen(_ manifest: StoreManifest) throws(FeaturesError) {
    let batch = try recorded(manifest)
    var failed = RowSet()
    for exception in batch.exceptions where exception.status == .failed {
      failed.insert(exception.row..<exception.row + 1)
    }
    try writing { () throws(SystemError) in
      try Journal.write(
        folder, provenance,
        [.finished(batch)] + failed.ranges.map { .reopened($0, overflowCount: 0) })
      // Only now does the journal count.
      try folder.remove(StoreLayout.manifest)
      try folder.synchronizeNames()
    }
  }

  /// Removes what the store of `job` is made of; leaves its journal, without records, to the last,
  /// so that the folder stays a store of ours however far this gets.
  private func discard(_ job: Provenance) throws(FeaturesError) {
    let layout = StoreLayout(job)
    try writing { () throws(SystemError) in
      try Journal.write(folder, job)
      try folder.remove(StoreLayout.manifest)
      try folder.synchronizeNames()
      for (layer, shard) in layout.shards {
        try folder.remove(layout.name(layer: layer, shard: shard))
        try folder.remove(layout.partialName(layer: layer, shard: shard))
      }
      for name in [StoreLayout.rows, StoreLayout.rows + StoreLayout.partial] {
        try folder.remove(name)
      }
      try folder.remove(StoreLayout.manifest + StoreLayout.partial)
      try RunRecords(folder).removeAll()
      try folder.synchronizeNames()
    }
  }
}

extension Opening {
  /// Continues the job of the journal.
  private func resume(_ lock: StoreLock) throws(FeaturesError) -> StoreWriter {
    var state = JobState()
    let contents = try Journal.read(folder) { state.apply($0) }
    try restoreFiles(state)
    let journal = try writing { () throws(SystemError) in
      let journal = try Journal(folder, end: contents.end)
      if retryFailed && !state.failed.isEmpty {
        // Durable before any of these rows is overwritten, which its old record would contradict.
        let records = state.failed.ranges.map { JournalRecord.reopened($0, overflowCount: 0) }
        try journal.append(records)
        try journal.synchronize()
        for record in records { state.apply(record) }
      }
      return journal
    }
    return StoreWriter(
      folder: folder, provenance: provenance, classes: classes, state: state, journal: journal,
      lock: lock, damagedRecordCount: contents.damagedRecordCount)
  }

  /// Brings every row file to its `.partial` name, at full size, with its header.
  ///
  /// - Throws: `unusableJob` when a file with recorded rows is missing or not what it should be.
  private func restoreFiles(_ state: JobState) throws(FeaturesError) {
    let layout = StoreLayout(provenance)
    for (layer, shard) in layout.shards {
      let final = layout.name(layer: layer, shard: shard)
      let partial = layout.partialName(layer: layer, shard: shard)
      try writing { () throws(SystemError) in
        // An interrupted completion has renamed some of them.
        guard try folder.byteCount(of: final) != nil else { return }
        if try folder.byteCount(of: partial) == nil {
          try folder.rename(final, to: partial)
        } else {
          try folder.remove(final)
        }
      }
      let header = layout.header(layer: layer, shard: shard)
      if try isIntact(partial, header) { continue }
      guard !state.finished.intersects(layout.rows(ofShard: shard)) else {
        throw .unusableJob(
          path: folder.path,
          problem: "rows of \(partial) are recorded, but the file is missing or not what it was")
      }
      try writing { () throws(SystemError) in
        let file = try folder.create(partial)
        try folder.write(header.bytes, at: 0, of: partial, file)
        try folder.resize(partial, file, to: header.fileByteCount)
        try folder.synchronize(partial, file)
      }
    }
    try writing { () throws(SystemError) in
      try folder.remove(StoreLayout.rows)
      try folder.synchronizeNames()
    }
  }

  private func isIntact(_ name: String, _ header: NPYHeader) throws(FeaturesError) -> Bool {
    try reading { () throws(SystemError) in
      guard try folder.byteCount(of: name) == header.fileByteCount else { return false }
      let file = try PositionedFile(folder.path(of: name), .read)
      return try file.read(header.bytes.count, at: 0) == header.bytes
    }
  }
}
