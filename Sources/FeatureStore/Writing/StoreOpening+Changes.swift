internal import Files
internal import Formats
internal import Images

/// What opening may have to change before rows can be written.
extension StoreOpening {
  /// Begins the store: an empty journal of this job, from which it continues.
  func create(_ lock: StoreLock) throws(StoreError) -> StoreWriter {
    try writing { () throws(SystemError) in try Journal.write(folder, provenance) }
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

  /// Makes a complete store one that continues, unfinished: its failed rows if they are to be tried
  /// again, and those of files that are no longer what the manifest says.
  func reopen(_ manifest: StoreManifest) throws(StoreError) {
    let batch = try recorded(manifest)
    var unfinished = try lostRows(manifest)
    // How many of the values that became infinite were in the lost rows, nobody knows any more.
    let losesCounts = !unfinished.isEmpty && batch.overflowCount > 0
    if losesCounts { unfinished.insert(batch.rows) }
    for exception in batch.exceptions where retryFailed && exception.status == .failed {
      unfinished.insert(exception.row..<exception.row + 1)
    }
    let records = unfinished.ranges.map {
      JournalRecord.reopened($0, overflowCount: losesCounts ? batch.overflowCount : 0)
    }
    try writing { () throws(SystemError) in
      try Journal.write(folder, provenance, [.finished(batch)] + records)
      // Only now does the journal count.
      try folder.remove(StoreLayout.manifest)
      try folder.synchronizeNames()
    }
  }

  /// The rows of the files whose values do not have the manifest's digest, or that are not there.
  ///
  /// All are read: the manifest that vouches for them is about to go, and the next one must not vouch
  /// for damage. A header is no matter: it is known, and put in place again.
  private func lostRows(_ manifest: StoreManifest) throws(StoreError) -> RowSet {
    let layout = StoreLayout(manifest.provenance)
    var lost = RowSet()
    for (layer, shard) in layout.shards {
      let name = layout.name(layer: layer, shard: shard)
      let header = layout.header(layer: layer, shard: shard)
      let digest = try reading { () throws(SystemError) -> SHA256Digest? in
        guard try folder.byteCount(of: name) == header.fileByteCount else { return nil }
        let file = try MappedFile(folder.path(of: name))
        var hasher = SHA256Digest.Hasher()
        hasher.update(header.bytes)
        file.withBytes(header.bytes.count..<file.byteCount) { hasher.update($0) }
        return hasher.finalize()
      }
      if digest?.hexadecimal != manifest.layers[layer].shards[shard].sha256 {
        lost.insert(layout.rows(ofShard: shard))
      }
    }
    return lost
  }

  /// A complete store's rows as one batch.
  private func recorded(_ manifest: StoreManifest) throws(StoreError) -> FinishedRows {
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
