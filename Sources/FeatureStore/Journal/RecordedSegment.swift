/// Consecutive rows with one checksum a layer, or with none known.
struct RecordedSegment: Sendable {
  let rows: Range<Int>
  let checksums: [UInt32]?
  let overflowCount: Int

  /// All rows in order, cut into the batches as the journal in `folder` has them.
  ///
  /// Read from the file, where they take no memory while the job runs. A batch of which some rows were
  /// recorded again later has no checksum any more: whoever takes rows out of a batch records the others
  /// anew (`StoreOpening.retrying`).
  ///
  /// - Throws: as `Journal.read`.
  static func all(_ folder: StoreFolder, rowCount: Int) throws(StoreError) -> [Self] {
    var records = [(rows: Range<Int>, batch: FinishedRows?)]()
    _ = try Journal.read(folder) { record in
      switch record {
      case .started, .root: break
      case .finished(let batch): records.append((batch.rows, batch))
      case .reopened(let rows, _): records.append((rows, nil))
      }
    }
    // From the last record backwards: what was recorded last is what the files hold.
    var later = RowSet()
    var segments = [Self]()
    for (rows, batch) in records.reversed() {
      if let batch, !batch.checksums.isEmpty, !rows.isEmpty, !later.intersects(rows) {
        segments.append(
          Self(rows: rows, checksums: batch.checksums, overflowCount: batch.overflowCount))
      }
      later.insert(rows)
    }
    var checked = RowSet()
    for segment in segments { checked.insert(segment.rows) }
    for rest in checked.complement(in: 0..<rowCount).ranges {
      segments.append(Self(rows: rest, checksums: nil, overflowCount: 0))
    }
    return segments.sorted { $0.rows.lowerBound < $1.rows.lowerBound }
  }
}
