package import FeatureStore
internal import Files
package import Tensors

/// A layer of a store as files of other programs: rows that failed are left out.
package struct StoreExport {
  private let store: Store
  private let layer: StoredLayer
  private let format: any ExportFormat
  /// The rows that are written.
  package let rows: [Int]
  /// Rows left out, failed and, where the format needs a label, without one.
  package let failedCount: Int
  package let unlabelledCount: Int

  /// Rows that a thread turns into text at a time.
  private static let blockRows = 64

  /// - Throws: `StoreError` when the store has no such layer; `InterchangeError.noRows`.
  package init(_ store: Store, layer name: String, format: any ExportFormat.Type) throws {
    self.store = store
    layer = try store.layer(named: name)
    let ok = (0..<store.rowCount).filter { store.status($0) == .ok }
    failedCount = store.rowCount - ok.count
    rows = format.needsLabels ? ok.filter { store.labelIndex($0) != nil } : ok
    unlabelledCount = ok.count - rows.count
    if rows.isEmpty {
      throw InterchangeError.noRows(
        path: store.path, failed: failedCount, unlabelled: unlabelledCount)
    }
    self.format = format.init(ExportedRows(store: store, rows: rows, width: layer.width))
  }

  package var width: Int { layer.width }

  /// The files that `write(to:)` writes: the output, and its companion where it has one.
  package func paths(_ output: String) -> [String] {
    [output] + (format.companion.map { [output + $0.suffix] } ?? [])
  }

  /// Writes the file, and its companion where it has one; the same bytes for any team.
  ///
  /// - Returns: the companion's path.
  /// - Throws: `InterchangeError.cannotWrite`; `InputChangedError` when the store is no longer what it
  ///   was when it was opened: then neither file appears.
  package func write(to path: String, team: ThreadTeam) throws -> String? {
    do {
      let file = try ReplacementFile(path)
      try appendRows(to: file, team: team)
      let companion = format.companion
      let beside = try companion.map { try ReplacementFile(path + $0.suffix) }
      if let companion { try beside?.append(companion.bytes) }
      try store.requireUnchanged()
      try file.commit()
      try beside?.commit()
      return companion.map { path + $0.suffix }
    } catch let error as SystemError { throw InterchangeError.cannotWrite(error) }
  }

  private func appendRows(to file: ReplacementFile, team: ThreadTeam) throws(SystemError) {
    try file.append(format.header)
    // So many blocks at a time that every thread has work and memory stays bounded.
    let waveRows = Self.blockRows * team.threadCount * 4
    for start in stride(from: 0, to: rows.count, by: waveRows) {
      let wave = Array(rows[start..<min(start + waveRows, rows.count)])
      let blockCount = (wave.count + Self.blockRows - 1) / Self.blockRows
      let texts = team.map(blockCount) { index, _ in
        let block = wave[
          index * Self.blockRows..<min((index + 1) * Self.blockRows, wave.count)]
        return block.reduce(into: [UInt8]()) { bytes, row in
          format.append(row, layer.floats(row..<row + 1), to: &bytes)
        }
      }
      for text in texts { try file.append(text) }
    }
  }
}
