package import FeatureStore
internal import Files
internal import Foundation
package import Tensors

/// A layer of a store as files of other programs: rows that failed are left out.
package struct StoreExport {
  private let store: Store
  private let layer: StoredLayer
  /// One a file.
  private let formats: [any ExportFormat]
  /// The rows that are written.
  package let rows: [Int]
  /// Rows left out, failed and, where the format needs a label, without one.
  package let failedCount: Int
  package let unlabelledCount: Int

  /// Rows that a thread turns into text at a time.
  private static let blockRows = 64
  /// Bytes of columns that are held at a time.
  private static let blockBytes = 256 << 20

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
    let capacity = format.capacity
    let fileRows = max(1, min(capacity.valueBytes / (4 * layer.width), capacity.rows))
    formats = stride(from: 0, to: rows.count, by: fileRows).map { [rows, layer] start in
      format.init(
        ExportedRows(
          store: store, rows: Array(rows[start..<min(start + fileRows, rows.count)]),
          width: layer.width, layer: name))
    }
  }

  package var width: Int { layer.width }

  /// The files of rows: the output, or as many shards as the format needs, `NAME-00000-of-00002.mat`.
  private func files(_ output: String) -> [String] {
    if formats.count == 1 { return [output] }
    let name = FileSystem.name(of: output)
    let dot = name.lastIndex(of: ".").map { name.distance(from: $0, to: name.endIndex) } ?? 0
    let stem = output.dropLast(dot)
    return formats.indices.map {
      String(format: "%@-%05d-of-%05d%@", "\(stem)", $0, formats.count, "\(output.suffix(dot))")
    }
  }

  /// The files that `write(to:)` writes: the output, and its companion where it has one.
  package func paths(_ output: String) -> [String] {
    files(output) + (formats[0].companion.map { [output + $0.suffix] } ?? [])
  }

  /// Writes the files, and their companion where they have one; the same bytes for any team.
  ///
  /// - Returns: the companion's path.
  /// - Throws: `InterchangeError.cannotWrite`; `InputChangedError` when the store is no longer what it
  ///   was when it was opened: then no file appears.
  package func write(to path: String, team: ThreadTeam) throws -> String? {
    do {
      var files: [ReplacementFile] = []
      for (format, path) in zip(formats, self.files(path)) {
        let file = try ReplacementFile(path)
        try append(format, to: file, team: team)
        files.append(file)
      }
      let companion = formats[0].companion
      if let companion {
        files.append(try ReplacementFile(path + companion.suffix))
        try files.last!.append(companion.bytes)
      }
      try store.requireUnchanged()
      for file in files { try file.commit() }
      return companion.map { path + $0.suffix }
    } catch let error as SystemError { throw InterchangeError.cannotWrite(error) }
  }

  private func append(
    _ format: any ExportFormat, to file: ReplacementFile, team: ThreadTeam
  ) throws(SystemError) {
    try file.append(format.header)
    var checksum = format.checksumBeforeRows
    if type(of: format).isColumnMajor {
      try appendColumns(of: format, to: file)
    } else {
      try appendRows(of: format, to: file, &checksum, team: team)
    }
    try file.append(format.footer(checksum: checksum))
  }

  private func appendRows(
    of format: any ExportFormat, to file: ReplacementFile, _ checksum: inout UInt32,
    team: ThreadTeam
  ) throws(SystemError) {
    let rows = format.rows.rows
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
      for text in texts {
        checksum = Inflate.checksum(text.span, after: checksum)
        try file.append(text)
      }
    }
  }

  /// As many columns at a time as memory is spent on; for each, all rows are read.
  private func appendColumns(
    of format: any ExportFormat, to file: ReplacementFile
  ) throws(SystemError) {
    let rows = format.rows.rows
    let blockColumns = max(1, Self.blockBytes / (4 * rows.count))
    for start in stride(from: 0, to: layer.width, by: blockColumns) {
      let columns = start..<min(start + blockColumns, layer.width)
      var block = [Float](repeating: 0, count: columns.count * rows.count)
      for (place, row) in rows.enumerated() {
        let values = layer.floats(row..<row + 1)
        for column in columns {
          block[(column - start) * rows.count + place] = values[column]
        }
      }
      for column in columns {
        let first = (column - start) * rows.count
        var bytes: [UInt8] = []
        format.append(column, Array(block[first..<first + rows.count]), to: &bytes)
        try file.append(bytes)
      }
    }
  }
}
