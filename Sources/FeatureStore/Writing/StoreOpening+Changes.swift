internal import Files
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

  /// Makes a complete store one that continues, its failed rows unfinished.
  func reopen(_ manifest: StoreManifest) throws(StoreError) {
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
