internal import Files
internal import Formats

extension StoreOpening {
  /// Continues the job of the journal.
  ///
  /// The rules: a row is finished if the last sound record about it says so and its file is there in
  /// full, whatever else the files hold; rows handed out and not finished are suspects; everything
  /// else is computed anew. Sound files are put in place before the journal is opened for writing,
  /// which cuts off a torn last record: until then nothing has changed that another attempt could
  /// miss. Files that lost recorded rows are made anew after the journal says that these rows are
  /// unfinished, or a kill in between would leave rows of zeros that count as finished.
  ///
  /// - Parameter notes: what was found damaged before.
  func resume(_ lock: StoreLock, notes: [String] = []) throws(StoreError) -> StoreWriter {
    try repairFirstLine()
    var state = JobState()
    var records: [JournalRecord] = []
    let contents = try Journal.read(folder) {
      state.apply($0)
      records.append($0)
    }
    // Where no row holds an image yet, another root corrects a mistake.
    let hasSucceeded = state.finished.count > state.failed.count
    if hasSucceeded { try requireSameRoot(state.root) }
    let lost = try restoreFiles(state)
    var changes = try reopening(lost, state)
    for record in changes { state.apply(record) }
    var retry = Retry()
    let isElsewhere = root.map { $0.path != state.root } ?? false
    if retryFailed || (isElsewhere && !hasSucceeded) { retry = try retrying(state) }
    for record in retry.records { state.apply(record) }
    changes += retry.records
    if isElsewhere, let root {
      changes.append(.root(root.path))
      state.apply(.root(root.path))
    }
    let journal = try writing { () throws(SystemError) in
      // Durable before any of these rows is overwritten, which its old record would contradict; and in
      // one step, as a row may be reopened and finished again by two records.
      let end =
        changes.isEmpty
        ? contents.end : try Journal.write(folder, provenance, records + changes)
      let journal = try Journal(folder, end: end)
      for file in lost { try create(file.name, file.header) }
      try folder.remove(StoreLayout.rows)
      try folder.synchronizeNames()
      return journal
    }
    return StoreWriter(
      folder: folder, provenance: provenance, classes: classes, state: state, journal: journal,
      lock: lock,
      notes: notes + contents.notes + lost.map(\.note) + retry.notes, stopReason: stopReason)
  }

  /// Writes the journal anew when its first line is damaged, with every record that is sound.
  private func repairFirstLine() throws(StoreError) {
    // Sound in all but the rarest cases, and told by one line.
    if (try? Journal.job(folder)) != nil { return }
    var records: [JournalRecord] = []
    let contents = try Journal.read(folder, expecting: provenance) { records.append($0) }
    guard contents.isFirstLineDamaged else { return }
    _ = try writing { () throws(SystemError) in try Journal.write(folder, provenance, records) }
  }

  /// A row file that lacks recorded rows.
  private struct LostFile {
    let name: String
    let header: NPYHeader
    let rows: Range<Int>

    var note: String { "\(name) was missing or cut short: its rows are computed again" }
  }

  /// Brings every row file to its `.partial` name, at full size, with its header.
  ///
  /// - Returns: the files with recorded rows that are missing or have another size; they are left as
  ///   they are.
  private func restoreFiles(_ state: JobState) throws(StoreError) -> [LostFile] {
    let layout = StoreLayout(provenance)
    var lost: [LostFile] = []
    for (layer, shard) in layout.shards {
      let partial = layout.partialName(layer: layer, shard: shard)
      try restoreName(partial, from: layout.name(layer: layer, shard: shard))
      let header = layout.header(layer: layer, shard: shard)
      if try isIntact(partial, header) { continue }
      let rows = layout.rows(ofShard: shard)
      if !state.finished.intersects(rows) {
        try makeFile(partial, header)
      } else if try hasSize(partial, header) {
        // The rows behind a damaged header have checksums of their own, which completion checks.
        try writeHeader(header, of: partial)
      } else {
        lost.append(LostFile(name: partial, header: header, rows: rows))
      }
    }
    return lost
  }

  /// The records that make the rows of lost files unfinished.
  ///
  /// A batch that is partly in a lost file is reopened as a whole: its checksum, and the count of its
  /// values that became infinite, are of all of its rows together.
  private func reopening(_ files: [LostFile], _ state: JobState) throws(StoreError)
    -> [JournalRecord]
  {
    if files.isEmpty { return [] }
    var counts: [(rows: Range<Int>, overflowCount: Int)] = []
    _ = try Journal.read(folder) { record in
      switch record {
      case .started, .root: break
      case .finished(let batch): counts.append((batch.rows, batch.overflowCount))
      case .reopened(let rows, let overflowCount): counts.append((rows, -overflowCount))
      }
    }
    counts.removeAll { $0.overflowCount == 0 }
    let rowCount = StoreLayout(provenance).rowCount
    let batches = try RecordedSegment.all(folder, rowCount: rowCount).filter {
      $0.checksums != nil
    }
    var rows = RowSet()
    for file in files { rows.insert(file.rows) }
    var size = -1
    while size != rows.count {
      size = rows.count
      for whole in counts.map(\.rows) + batches.map(\.rows) where rows.intersects(whole) {
        rows.insert(whole)
      }
    }
    let overflowCount = counts.reduce(0) {
      rows.intersects($1.rows) ? $0 &+ $1.overflowCount : $0
    }
    return state.finished.intersection(rows).ranges.enumerated().map {
      .reopened($1, overflowCount: $0 == 0 ? max(0, overflowCount) : 0)
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
    try writing { () throws(SystemError) in try create(name, header) }
  }

  private func create(_ name: String, _ header: NPYHeader) throws(SystemError) {
    let file = try folder.create(name)
    try folder.write(header.bytes, at: 0, of: name, file)
    try folder.resize(name, file, to: header.fileByteCount)
    try folder.synchronize(name, file)
  }

  private func writeHeader(_ header: NPYHeader, of name: String) throws(StoreError) {
    try writing { () throws(SystemError) in
      let file = try folder.open(name)
      try folder.write(header.bytes, at: 0, of: name, file)
      try folder.synchronize(name, file)
    }
  }

  private func hasSize(_ name: String, _ header: NPYHeader) throws(StoreError) -> Bool {
    try reading { () throws(SystemError) in
      try folder.byteCount(of: name) == header.fileByteCount
    }
  }

  /// Whether the file is there, of its full size and with its header.
  func isIntact(_ name: String, _ header: NPYHeader) throws(StoreError) -> Bool {
    try reading { () throws(SystemError) in
      guard try folder.byteCount(of: name) == header.fileByteCount else { return false }
      let file = try PositionedFile(folder.path(of: name), .read)
      return try file.read(header.bytes.count, at: 0) == header.bytes
    }
  }
}
