internal import FeatureStore
internal import Files
internal import Formats
internal import Tensors

/// Arrays `features`, `labels`, `paths` and `rows` in a NumPy `.npz` archive, not compressed.
package struct NPZExport: ExportFormat {
  package static let name = "npz"
  package static let summary = """
    a NumPy archive of arrays features (float32), labels and paths (text, empty for none) and rows (of the \
    store); beyond 2 GB several files, OUTPUT-00000-of-00002.npz …
    """
  /// Archives of more than 4 GB need another kind of headers, which not every reader knows.
  package static let capacity = (valueBytes: 2 << 30, rows: 1 << 22)

  package let rows: ExportedRows
  private let arrayHeader: [UInt8]

  package init(_ rows: ExportedRows) {
    self.rows = rows
    arrayHeader = NPYHeader(elementType: .float32, shape: [rows.rows.count, rows.width]).bytes
  }

  private func features(checksum: UInt32) -> ZIPMember {
    ZIPMember(
      name: "features.npy", byteCount: arrayHeader.count + 4 * rows.rows.count * rows.width,
      checksum: checksum, isChecksumBehind: true)
  }

  package var header: [UInt8] { features(checksum: 0).localHeader + arrayHeader }

  package var checksumBeforeRows: UInt32 { Inflate.checksum(arrayHeader.span) }

  package func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8]) {
    ElementType.float32.append(values, to: &bytes)
  }

  package func footer(checksum: UInt32) -> [UInt8] {
    let first = features(checksum: checksum)
    var bytes = first.descriptor
    let start = header.count + 4 * rows.rows.count * rows.width
    var central = first.centralHeader(at: 0)
    let entries = rows.rows.map { rows.store.rows[$0] }
    let others = [
      ("labels", Self.texts(entries.map { $0.label?.description ?? "" })),
      ("paths", Self.texts(entries.map(\.path.description))), ("rows", Self.integers(rows.rows)),
    ]
    for (name, array) in others {
      let member = ZIPMember(
        name: "\(name).npy", byteCount: array.count, checksum: Inflate.checksum(array.span))
      central += member.centralHeader(at: start + bytes.count)
      bytes += member.localHeader + array
    }
    return bytes
      + ZIPMember.end(central, at: start + bytes.count, memberCount: others.count + 1)
  }

  /// An array of texts of one length, four bytes a character, filled up with zeros.
  private static func texts(_ texts: [String]) -> [UInt8] {
    let scalars = texts.map { Array($0.unicodeScalars) }
    let width = max(1, scalars.map(\.count).max() ?? 1)
    var bytes = header("<U\(width)", count: texts.count)
    for text in scalars {
      for scalar in text { bytes.append(littleEndian: scalar.value) }
      bytes += [UInt8](repeating: 0, count: 4 * (width - text.count))
    }
    return bytes
  }

  private static func integers(_ values: [Int]) -> [UInt8] {
    var bytes = header("<i8", count: values.count)
    for value in values { bytes.append(littleEndian: Int64(value)) }
    return bytes
  }

  /// Of a vector (NumPy's format 1.0).
  private static func header(_ descriptor: String, count: Int) -> [UInt8] {
    let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(count),), }"
    // Ten bytes stand before it, a line feed behind; all are a multiple of 64.
    let padding = (64 - (text.utf8.count + 11) % 64) % 64
    var bytes = NPYDescription.magic + [1, 0]
    bytes.append(littleEndian: UInt16(text.utf8.count + padding + 1))
    return bytes + Array(text.utf8) + [UInt8](repeating: 0x20, count: padding) + [0x0A]
  }
}
