package import Files
internal import Images
package import Tensors

extension StoreWriter {
  /// Makes the store complete: checks and hashes the rows, writes the table of rows, gives every
  /// file its final name, and last of all writes the manifest.
  ///
  /// Killed at any point, the job is one that `open` continues, with nothing but this to do. Gives
  /// up the lock.
  ///
  /// - Parameters:
  ///   - team: reads and hashes shards side by side.
  ///   - checks: what `completionWork` gave, where others have done it.
  ///   - list: path and label of each row's entry, as the image list has them.
  ///   - confirm: told, when all is read and nothing is renamed yet, to look whether the list is still
  ///     the one of the job.
  /// - Throws: `cannotWrite`, `cannotRead`; `inputChanged` for the error of `confirm`; `rowsDamaged` when
  ///   rows read back with another checksum than was recorded: they are unfinished again; `stopped` when
  ///   somebody asked to stop before all was read.
  /// - Precondition: no row is unfinished.
  package func complete(
    team: ThreadTeam = ThreadTeam(threadCount: 1), checks: [ShardCheck]? = nil,
    list: (Int) -> (path: ByteString, label: ByteString?),
    confirm: () throws(InputChangedError) -> Void = {}
  ) throws(StoreError) {
    if isComplete { return }
    let work = try completionWork()
    let digests = try checkedDigests(work, checks, team)
    try recording { () throws(StoreError) in
      let rows = try writing { () throws(SystemError) in try writeRowTable(list) }
      do throws(InputChangedError) { try confirm() } catch { throw .inputChanged(error) }
      let manifest = try StoreManifest(
        provenance: provenance, classes: classes.map { ByteString($0) },
        failedRowCount: failedRowCount, overflowCount: overflowCount, digests: digests, rows: rows)
      try writing { () throws(SystemError) in
        // Renames may be half done when the process is killed: opening renames back, so the journal
        // stays until the manifest is there.
        for (layer, shard) in layout.shards {
          try folder.rename(
            layout.partialName(layer: layer, shard: shard),
            to: layout.name(layer: layer, shard: shard))
        }
        // The names are durable before the manifest that vouches for them.
        try folder.synchronizeNames()
        try folder.replace(StoreLayout.manifest, with: manifest.bytes)
        // A manifest outranks a journal, so the order of these two is free to the system; the lock
        // goes last, or another job could open a store that still changes.
        try folder.remove(StoreLayout.journal)
        try folder.synchronizeNames()
        try lock?.remove(from: folder)
      }
      isComplete = true
    }
  }

  /// What has to be read once more before the store is complete; see `ShardWork`.
  ///
  /// - Throws: `cannotWrite`, `cannotRead`.
  /// - Precondition: no row is unfinished.
  package func completionWork() throws(StoreError) -> ShardWork {
    precondition(unfinished.isEmpty, "rows are missing")
    try flush()
    // Read through fresh descriptors: a network file system then asks what others have written.
    files.closeAll()
    return ShardWork(
      RowReader(folder: folder, layout: layout, stopReason: stopReason), try recordedSegments())
  }

  /// Writes `rows.tsv`.
  ///
  /// - Returns: SHA-256 of the file.
  private func writeRowTable(_ list: (Int) -> (path: ByteString, label: ByteString?))
    throws(SystemError) -> SHA256Digest
  {
    let partial = StoreLayout.rows + StoreLayout.partial
    let file = try folder.create(partial)
    var hasher = SHA256Digest.Hasher()
    var bytes = RowTable.header
    var offset = 0
    for row in 0..<layout.rowCount {
      let (path, label) = list(row)
      let (status, message) = state.remark(on: row)
      RowTable.append(
        row, .init(path: path, label: label, status: status, message: message), to: &bytes)
      if bytes.count >= 1 << 20 || row == layout.rowCount - 1 {
        hasher.update(bytes)
        try folder.write(bytes, at: offset, of: partial, file)
        offset += bytes.count
        bytes.removeAll(keepingCapacity: true)
      }
    }
    if !bytes.isEmpty {
      hasher.update(bytes)
      try folder.write(bytes, at: offset, of: partial, file)
    }
    try folder.synchronize(partial, file)
    try folder.rename(partial, to: StoreLayout.rows)
    return hasher.finalize()
  }

  /// SHA-256 of every shard, by layer, after checking the rows against the journal's checksums.
  private func checkedDigests(
    _ work: ShardWork, _ known: [ShardCheck]?, _ team: ThreadTeam
  ) throws(StoreError) -> [[SHA256Digest]] {
    let checks: [ShardCheck]
    if let known { checks = known } else { checks = try work.checkAll(team) }
    var digests = [[SHA256Digest]](repeating: [], count: layout.layers.count)
    var damaged = Set<Int>()
    for (place, check) in zip(layout.shards, checks) {
      digests[place.layer].append(SHA256Digest(hexadecimal: check.digest))
      damaged.formUnion(check.damagedSegments)
    }
    if damaged.isEmpty { return digests }
    let segments = try recordedSegments()
    try recording { () throws(StoreError) in
      try reopen(damaged.sorted().map { segments[$0] })
    }
    throw .rowsDamaged(path: path, rows: damaged.sorted().map { segments[$0].rows })
  }

  /// Makes the rows unfinished again, durably.
  private func reopen(_ segments: [RecordedSegment]) throws(StoreError) {
    let records = segments.map {
      JournalRecord.reopened($0.rows, overflowCount: $0.overflowCount)
    }
    try writing { () throws(SystemError) in
      try openJournal.append(records)
      try openJournal.synchronize()
    }
    for record in records { state.apply(record) }
  }

  private func recordedSegments() throws(StoreError) -> [RecordedSegment] {
    try RecordedSegment.all(folder, rowCount: layout.rowCount)
  }
}
