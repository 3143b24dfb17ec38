internal import Files
internal import Formats
internal import Images

/// What opening may have to change before rows can be written.
extension StoreOpening {
  /// Begins the store: an empty journal of this job, from which it continues.
  func create(_ lock: StoreLock) throws(StoreError) -> StoreWriter {
    _ = try writing { () throws(SystemError) in try Journal.write(folder, provenance) }
    return try resume(lock)
  }

  /// Does what a completion that was cut short had left to do.
  func removeLeftovers(_ lock: StoreLock) throws(StoreError) {
    try writing { () throws(SystemError) in
      for name in leftovers where name != StoreLayout.lock { try folder.remove(name) }
      try lock.remove(from: folder)
    }
  }

  /// Whether a complete store has failed rows that are to be tried again, or files that are not what
  /// they were when it was completed, as far as sizes and headers tell.
  ///
  /// - Throws: `damaged` when the table of rows is not the manifest's: which rows failed, and what was
  ///   said about others, is then known to nobody.
  func needsWork(_ manifest: StoreManifest) throws(StoreError) -> Bool {
    let table = folder.path(of: StoreLayout.rows)
    guard (try? MappedFile(table).sha256.hexadecimal) == manifest.rows.sha256 else {
      throw .damaged(
        path: table, problem: "it is missing, or its SHA-256 differs from the manifest's")
    }
    if retryFailed && manifest.failedRowCount > 0 { return true }
    let layout = StoreLayout(manifest.provenance)
    for (layer, shard) in layout.shards {
      let header = layout.header(layer: layer, shard: shard)
      if try !isIntact(layout.name(layer: layer, shard: shard), header) { return true }
    }
    return false
  }

  /// Makes a complete store one that continues: its journal tells of the rows whose bytes are still those
  /// of the manifest.
  ///
  /// - Returns: what is no longer so, in words.
  func reopen(_ manifest: StoreManifest) throws(StoreError) -> [String] {
    let survey = try survey(manifest)
    try writing { () throws(SystemError) in
      try Journal.write(folder, provenance, survey.intact.map { .finished($0) })
      // Only now does the journal count.
      try folder.remove(StoreLayout.manifest)
      try folder.synchronizeNames()
    }
    return survey.lostFiles.map {
      "\($0) is not what it was when the store was completed: its rows are computed again"
    }
  }

  /// Removes what the store of `job` is made of; leaves its journal, without records, to the last,
  /// so that the folder stays a store of ours however far this gets.
  func discard(_ job: Provenance) throws(StoreError) {
    let layout = StoreLayout(job)
    try writing { () throws(SystemError) in
      try Journal.write(folder, job)
      try folder.remove(StoreLayout.manifest)
      try folder.synchronizeNames()
      for name in try folder.names() where layout.isRowFile(name) { try folder.remove(name) }
      for name in [StoreLayout.rows, StoreLayout.rows + StoreLayout.partial] {
        try folder.remove(name)
      }
      try folder.remove(StoreLayout.manifest + StoreLayout.partial)
      try RunRecords(folder).removeAll()
      try folder.synchronizeNames()
    }
  }
}
