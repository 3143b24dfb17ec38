internal import Files
internal import Formats

extension StoreOpening {
  /// Continues the job of the journal.
  ///
  /// The rules: a row is finished if the last sound record about it says so and its file is there in
  /// full, whatever else the files hold; rows handed out and not finished are suspects; everything
  /// else is computed anew. Files are put in place before the journal is opened for writing, which
  /// cuts off a torn last record: until then nothing has changed that another attempt could miss.
  func resume(_ lock: StoreLock) throws(StoreError) -> StoreWriter {
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
  private func restoreFiles(_ state: JobState) throws(StoreError) {
    let layout = StoreLayout(provenance)
    for (layer, shard) in layout.shards {
      let partial = layout.partialName(layer: layer, shard: shard)
      try restoreName(partial, from: layout.name(layer: layer, shard: shard))
      let header = layout.header(layer: layer, shard: shard)
      if try isIntact(partial, header) { continue }
      guard !state.finished.intersects(layout.rows(ofShard: shard)) else {
        throw .unusableJob(
          path: folder.path,
          problem: "rows of \(partial) are recorded, but the file is missing or not what it was")
      }
      try makeFile(partial, header)
    }
    try writing { () throws(SystemError) in
      try folder.remove(StoreLayout.rows)
      try folder.synchronizeNames()
    }
  }

  /// Undoes what an interrupted completion has renamed.
  private func restoreName(_ partial: String, from final: String) throws(StoreError) {
    try writing { () throws(SystemError) in
      guard try folder.byteCount(of: final) != nil else { return }
      if try folder.byteCount(of: partial) == nil {
        try folder.rename(final, to: partial)
      } else {
        try folder.remove(final)
      }
    }
  }

  /// Makes a row file of full size, whose rows read as zeros and take no room until they are written.
  private func makeFile(_ name: String, _ header: NPYHeader) throws(StoreError) {
    try writing { () throws(SystemError) in
      let file = try folder.create(name)
      try folder.write(header.bytes, at: 0, of: name, file)
      try folder.resize(name, file, to: header.fileByteCount)
      try folder.synchronize(name, file)
    }
  }

  private func isIntact(_ name: String, _ header: NPYHeader) throws(StoreError) -> Bool {
    try reading { () throws(SystemError) in
      guard try folder.byteCount(of: name) == header.fileByteCount else { return false }
      let file = try PositionedFile(folder.path(of: name), .read)
      return try file.read(header.bytes.count, at: 0) == header.bytes
    }
  }
}
