package import FeatureStore
internal import Files
internal import Formats
internal import Images
package import Tensors

/// A layer of a store as files of other programs: rows that failed are left out.
package struct StoreExport {
  package let store: Store
  package let format: ExportFormat
  private let layer: StoredLayer
  /// The rows that are written.
  package let rows: [Int]
  /// Rows left out, failed and, where the format needs a label, without one.
  package let failedCount: Int
  package let unlabelledCount: Int

  /// Rows that a thread turns into text at a time.
  private static let blockRows = 64

  /// - Throws: `FeaturesError` when the store has no such layer; `InterchangeError.noRows`.
  package init(_ store: Store, layer name: String, format: ExportFormat) throws {
    self.store = store
    self.format = format
    layer = try store.layer(named: name)
    let ok = (0..<store.rowCount).filter { store.status($0) == .ok }
    failedCount = store.rowCount - ok.count
    rows = format == .svmlight ? ok.filter { store.labelIndex($0) != nil } : ok
    unlabelledCount = ok.count - rows.count
    if rows.isEmpty {
      throw InterchangeError.noRows(
        path: store.path, failed: failedCount, unlabelled: unlabelledCount)
    }
  }

  package var width: Int { layer.width }

  /// Files beside the first that say what it cannot: classes of numbers, labels of rows.
  package func companion(of path: String) -> String? {
    switch format {
    case .svmlight: hasNumericClasses ? nil : path + ".classes.tsv"
    case .csv: nil
    case .npy: path + ".labels.txt"
    }
  }

  /// Writes the file, and its companion where it has one; the same bytes for any team.
  ///
  /// - Throws: `InterchangeError.cannotWrite`.
  package func write(to path: String, team: ThreadTeam) throws {
    do throws(SystemError) {
      let file = try ReplacementFile(path)
      try file.append(header)
      // So many blocks at a time that every thread has work and memory stays bounded.
      let waveRows = Self.blockRows * team.threadCount * 4
      for start in stride(from: 0, to: rows.count, by: waveRows) {
        let wave = Array(rows[start..<min(start + waveRows, rows.count)])
        let blockCount = (wave.count + Self.blockRows - 1) / Self.blockRows
        let texts = team.map(blockCount) { index, _ in
          let block = wave[
            index * Self.blockRows..<min((index + 1) * Self.blockRows, wave.count)]
          return block.reduce(into: [UInt8]()) { append(row: $1, to: &$0) }
        }
        for text in texts { try file.append(text) }
      }
      try file.commit()
      if let companion = companion(of: path) {
        let file = try ReplacementFile(companion)
        try file.append(companionText)
        try file.commit()
      }
    } catch { throw InterchangeError.cannotWrite(error) }
  }

  private var header: [UInt8] {
    switch format {
    case .svmlight: []
    case .csv:
      Array("row,path,label,\((0..<width).map { "f\($0)" }.joined(separator: ","))\n".utf8)
    case .npy: NPYHeader(elementType: .float32, shape: [rows.count, width]).bytes
    }
  }

  private func append(row: Int, to text: inout [UInt8]) {
    let values = layer.floats(row..<row + 1)
    switch format {
    case .svmlight:
      text += label(of: row)
      for (j, value) in values.enumerated() where value != 0 {
        text += " \(j + 1):\(value)".utf8
      }
      text.append(UInt8(ascii: "\n"))
    case .csv:
      let entry = store.rows[row]
      text += "\(row),".utf8
      Self.append(field: entry.path.bytes, to: &text)
      text.append(UInt8(ascii: ","))
      Self.append(field: entry.label?.bytes ?? [], to: &text)
      for value in values { text += ",\(value)".utf8 }
      text.append(UInt8(ascii: "\n"))
    case .npy:
      ElementType.float32.append(values, to: &text)
    }
  }

  /// A field of CSV (RFC 4180): in quotes where it holds a comma, a quote or a line break.
  private static func append(field: [UInt8], to text: inout [UInt8]) {
    let quote = UInt8(ascii: "\"")
    guard field.contains(where: { [quote, UInt8(ascii: ","), 0x0a, 0x0d].contains($0) }) else {
      text += field
      return
    }
    text.append(quote)
    for byte in field { text += byte == quote ? [quote, quote] : [byte] }
    text.append(quote)
  }

  /// Whether every class is a whole number already, as LIBLINEAR wants labels.
  private var hasNumericClasses: Bool {
    store.classes.allSatisfy { $0.utf8String.flatMap { Int($0) } != nil }
  }

  /// The class's own number, or its place in class order, from 1.
  private func label(of row: Int) -> [UInt8] {
    let index = store.labelIndex(row)!
    return hasNumericClasses ? store.classes[index].bytes : Array("\(index + 1)".utf8)
  }

  private var companionText: [UInt8] {
    var text: [UInt8] = []
    if format == .svmlight {
      text += "number\tclass\n".utf8
      for (index, name) in store.classes.enumerated() {
        text += "\(index + 1)\t".utf8
        FieldEscape.append(name.bytes, to: &text)
        text.append(UInt8(ascii: "\n"))
      }
    } else {
      for row in rows {
        FieldEscape.append(store.rows[row].label?.bytes ?? [], to: &text)
        text.append(UInt8(ascii: "\n"))
      }
    }
    return text
  }
}
