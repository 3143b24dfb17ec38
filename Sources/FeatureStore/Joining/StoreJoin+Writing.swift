internal import Files
package import Tensors

extension StoreJoin {
  /// What became of a store that was to be made.
  package struct Outcome: Equatable, Sendable {
    package let failedCount: Int
    package let overflowCount: Int
    /// False where the same command had made the store before.
    package let isNew: Bool
  }

  /// Bytes of rows that are copied at a time.
  private static let batchByteCount = 16 << 20

  /// Writes the store, or continues one that was interrupted.
  ///
  /// Before a row is copied all files of the parts are read and compared with their hashes: the new
  /// store has hashes of its own, which would vouch for damage.
  ///
  /// - Parameter team: hashes files side by side.
  /// - Throws: `outputIsInput`; `differingHash` for a part that is damaged; `inputChanged`; as
  ///   `StoreWriter`.
  package func write(
    to path: String, overwrite: Bool, team: ThreadTeam
  ) throws(StoreError) -> Outcome {
    for part in parts where try isFolder(of: part.store, path) {
      throw .outputIsInput(path: part.store.path)
    }
    // First of all, so that a damaged part leaves no store behind; but what is there already, and is
    // finished or another's, is told at once.
    let isBegun = !overwrite && StoreWriter.existingJob(path) != nil
    if !isBegun { try checkParts(team) }
    let writer = try StoreWriter.open(
      path, provenance: provenance, classes: classes, overwrite: overwrite)
    let isNew = !writer.isComplete
    do throws(StoreError) {
      if isNew {
        if isBegun { try checkParts(team) }
        try copy(into: writer)
        let lines = JoinedLines(self)
        try writer.complete(team: team) {
          lines[$0]
        } confirm: { () throws(InputChangedError) in
          for part in parts { try part.store.requireUnchanged() }
        }
      }
    } catch {
      try? writer.close()
      throw error
    }
    return Outcome(
      failedCount: writer.failedRowCount, overflowCount: writer.overflowCount, isNew: isNew)
  }

  private func isFolder(of store: Store, _ path: String) throws(StoreError) -> Bool {
    try reading { () throws(SystemError) in
      guard let output = try FileSystem.identity(of: path) else { return false }
      return try FileSystem.identity(of: store.path) == output
    }
  }

  private func checkParts(_ team: ThreadTeam) throws(StoreError) {
    for part in parts {
      do throws(StoreError) { try part.store.checkHashes(team: team) } catch {
        // Other bytes than a moment ago are no damage.
        do throws(InputChangedError) { try part.store.requireUnchanged() } catch {
          throw .inputChanged(error)
        }
        throw error
      }
    }
  }

  private func copy(into writer: StoreWriter) throws(StoreError) {
    var layers: [[StoredLayer]] = []
    for part in parts {
      var own: [StoredLayer] = []
      for layer in provenance.layers { own.append(try part.store.layer(named: layer.name)) }
      layers.append(own)
    }
    let rowByteCount = provenance.layers.map(\.width).reduce(0, +) * provenance.dtype.byteCount
    let size = max(1, Self.batchByteCount / rowByteCount)
    for range in writer.unfinished {
      for rows in Self.pieces(of: range, size: size) {
        try writer.recordStarted(rows)
        let (batch, data) = try read(rows, layers)
        try writer.recordFinished(batch, rows: data)
      }
    }
  }

  /// Reads rows of the new store from the parts.
  ///
  /// - Throws: `inputChanged`.
  private func read(
    _ range: Range<Int>, _ layers: [[StoredLayer]]
  ) throws(StoreError) -> (FinishedRows, [[UInt8]]) {
    var data = [[UInt8]](repeating: [], count: provenance.layers.count)
    var exceptions: [RowException] = []
    var overflowCount = 0
    let segments = segments(of: range)
    for segment in segments {
      let store = parts[segment.part].store
      for layer in data.indices {
        layers[segment.part][layer].appendBytes(segment.rows, to: &data[layer])
      }
      for rows in Self.pieces(of: segment.rows, size: Self.lineCount) {
        for (row, entry) in zip(rows, store.rows[rows])
        where entry.status == .failed || !entry.message.isEmpty {
          exceptions.append(
            RowException(
              row: segment.start + row - segment.rows.lowerBound, status: entry.status,
              message: entry.message))
        }
      }
      // Counted when they were rounded; which rows they are in nobody noted.
      if parts[segment.part].selection != nil {
        // What is infinite is what was too large.
        overflowCount += infiniteCount(data, last: segment.rows.count)
      } else if segment.rows.lowerBound == 0 {
        overflowCount += store.manifest.overflowCount
      }
    }
    for part in Set(segments.map(\.part)) {
      do throws(InputChangedError) { try parts[part].store.requireUnchanged() } catch {
        throw .inputChanged(error)
      }
    }
    return (
      FinishedRows(
        rows: range, exceptions: exceptions, overflowCount: overflowCount, data: data), data
    )
  }

  /// Infinite values in the last rows of `data`, where they are float16.
  private func infiniteCount(_ data: [[UInt8]], last rowCount: Int) -> Int {
    guard provenance.dtype == .float16 else { return 0 }
    return zip(data, provenance.layers).reduce(0) { count, layer in
      let bytes = layer.0.suffix(rowCount * layer.1.width * provenance.dtype.byteCount)
      return count + provenance.dtype.decoded(Array(bytes)).count { $0.isInfinite }
    }
  }
}

/// Paths and labels of the new store's rows, asked for one after the other.
private final class JoinedLines {
  private let join: StoreJoin
  private var range = 0..<0
  private var lines: [RowTable.Row] = []

  init(_ join: StoreJoin) { self.join = join }

  subscript(row: Int) -> (path: ByteString, label: ByteString?) {
    if !range.contains(row) {
      range = row..<min(row + StoreJoin.lineCount, join.rowCount)
      lines = join.segments(of: range).flatMap { join.parts[$0.part].store.rows[$0.rows] }
    }
    let line = lines[row - range.lowerBound]
    return (line.path, line.label)
  }
}
