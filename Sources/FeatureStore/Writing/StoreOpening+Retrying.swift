internal import Files
internal import Tensors

/// Failed rows that are to be tried again.
extension StoreOpening {
  /// What makes failed rows unfinished.
  struct Retry {
    var records: [JournalRecord] = []
    /// Batches that read back with other checksums than were recorded: unfinished as a whole.
    var damaged: [Range<Int>] = []

    var notes: [String] {
      if damaged.isEmpty { return [] }
      return [
        """
        rows \(StoreError.list(damaged)) read back otherwise than they were recorded: they are \
        computed again
        """
      ]
    }
  }

  /// Makes failed rows unfinished, and leaves every other row its checksum.
  ///
  /// A checksum is one of a whole batch. If failed rows simply left theirs, the others could be damaged
  /// unseen from then on: so the batch is read and checked a last time, and its other rows are recorded
  /// anew.
  func retrying(_ state: JobState) throws(StoreError) -> Retry {
    var left = state.failed
    var retry = Retry()
    let reader = RowReader(
      folder: folder, layout: StoreLayout(provenance), stopReason: stopReason)
    for segment in try RecordedSegment.all(folder, rowCount: reader.layout.rowCount)
    where segment.checksums != nil && left.intersects(segment.rows) {
      let rest = state.failed.complement(in: segment.rows)
      retry.records.append(.reopened(segment.rows, overflowCount: segment.overflowCount))
      left.remove(segment.rows)
      if rest.isEmpty { continue }
      switch try remains(rest, of: segment, reader) {
      case .damaged: retry.damaged.append(segment.rows)
      case .uncounted: break
      case .intact(let sums):
        retry.records += zip(rest.ranges, sums).map { rows, sums in
          .finished(
            FinishedRows(
              rows: rows, exceptions: state.exceptions(in: rows),
              overflowCount: segment.overflowCount == 0
                ? 0 : sums.reduce(0) { $0 + $1.infinityCount },
              checksums: sums.map(\.checksum)))
        }
      }
    }
    retry.records += left.ranges.map { .reopened($0, overflowCount: 0) }
    return retry
  }

  private enum Remains {
    /// Sums of each range of rows, by layer.
    case intact([[RowSum]])
    /// Some layer's bytes do not have their checksum.
    case damaged
    /// The values that became infinite are not all the infinite values there are: nobody knows how many
    /// of them each range has.
    case uncounted
  }

  /// Reads a batch again, and sums up the ranges of rows that stay of it.
  private func remains(
    _ rows: RowSet, of segment: RecordedSegment, _ reader: RowReader
  ) throws(StoreError) -> Remains {
    let gone = rows.complement(in: segment.rows)
    let parts = (rows.ranges + gone.ranges).sorted { $0.lowerBound < $1.lowerBound }
    var sums = [[RowSum]](repeating: [], count: rows.ranges.count)
    for layer in reader.layout.layers.indices {
      var whole = CRC32C()
      var index = 0
      for part in parts {
        var sum = RowSum(reader.layout.elementType)
        try reader.forEachPiece(of: part, layer: layer) { bytes in
          whole.update(bytes)
          bytes.withUnsafeBytes { sum.update($0) }
        }
        if rows.intersects(part) {
          sums[index].append(sum)
          index += 1
        }
      }
      if whole.value != segment.checksums?[layer] { return .damaged }
    }
    let infinityCount = sums.joined().reduce(0) { $0 + $1.infinityCount }
    let isCounted = segment.overflowCount == 0 || segment.overflowCount == infinityCount
    return isCounted ? .intact(sums) : .uncounted
  }
}
