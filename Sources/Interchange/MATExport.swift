internal import FeatureStore
internal import Files
internal import Formats
internal import Tensors

/// A MATLAB file of version 5 (MAT-File Format, R2023b), not compressed.
package struct MATExport: ExportFormat {
  package static let name = "mat"
  package static let summary = """
    a MATLAB file: features (single), labels (from 1 in the order of classes, 0 for none), classes and \
    paths (cells), rows (of the store, from 0); beyond 2 GB several files, OUTPUT-00000-of-00002.mat …
    """
  package static let isColumnMajor = true
  /// MATLAB reads variables of this version up to 2³¹ bytes.
  package static let capacity = (valueBytes: 2_000_000_000, rows: 1 << 22)

  package let rows: ExportedRows

  package init(_ rows: ExportedRows) { self.rows = rows }

  /// Kinds of data, and of matrices (tables 1-1 and 1-3).
  private enum DataType: UInt32 {
    case int8 = 1
    case uint16 = 4
    case int32 = 5
    case uint32 = 6
    case single = 7
    case matrix = 14
    case utf16 = 17
  }

  private enum MatrixClass: UInt32 {
    case cell = 1
    case character = 4
    case single = 7
    case int32 = 12
  }

  package var header: [UInt8] {
    let text = "MATLAB 5.0 MAT-file, written by decaf; layer \(rows.layer)"
    var bytes = Array(text.utf8.prefix(116))
    bytes += [UInt8](repeating: 0x20, count: 116 - bytes.count)
    // No data of subsystems; version 1; the byte order.
    bytes += [UInt8](repeating: 0, count: 8) + [0, 1] + Array("IM".utf8)
    let byteCount = 4 * rows.rows.count * rows.width
    let start = Self.start("features", .single, [rows.rows.count, rows.width])
    Self.append(tag: .matrix, start.count + 8 + byteCount + Self.padding(byteCount), to: &bytes)
    bytes += start
    Self.append(tag: .single, byteCount, to: &bytes)
    return bytes
  }

  package func append(_ column: Int, _ values: [Float], to bytes: inout [UInt8]) {
    ElementType.float32.append(values, to: &bytes)
  }

  package func footer(checksum: UInt32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.padding(4 * rows.rows.count * rows.width))
    let entries = rows.rows.map { rows.store.rows[$0] }
    bytes += Self.vector("labels", rows.labelIndices.map { $0 + 1 })
    bytes += Self.cells("classes", rows.store.classes.map(\.description))
    bytes += Self.cells("paths", entries.map(\.path.description))
    bytes += Self.vector("rows", rows.rows)
    return bytes
  }

  /// Data begin at multiples of eight.
  private static func padding(_ byteCount: Int) -> Int { (8 - byteCount % 8) % 8 }

  private static func append(tag: DataType, _ byteCount: Int, to bytes: inout [UInt8]) {
    bytes.append(littleEndian: tag.rawValue)
    bytes.append(littleEndian: UInt32(byteCount))
  }

  private static func data(_ type: DataType, _ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    append(tag: type, content.count, to: &bytes)
    return bytes + content + [UInt8](repeating: 0, count: padding(content.count))
  }

  /// What stands before a matrix's values: its class, its axes, its name.
  private static func start(_ name: String, _ kind: MatrixClass, _ axes: [Int]) -> [UInt8] {
    var flags: [UInt8] = []
    flags.append(littleEndian: kind.rawValue)
    flags.append(littleEndian: UInt32(0))
    var sizes: [UInt8] = []
    for axis in axes { sizes.append(littleEndian: Int32(axis)) }
    return data(.uint32, flags) + data(.int32, sizes) + data(.int8, Array(name.utf8))
  }

  private static func matrix(
    _ name: String, _ kind: MatrixClass, _ axes: [Int], _ content: [UInt8]
  ) -> [UInt8] { data(.matrix, start(name, kind, axes) + content) }

  private static func vector(_ name: String, _ values: [Int]) -> [UInt8] {
    var numbers: [UInt8] = []
    for value in values { numbers.append(littleEndian: Int32(value)) }
    return matrix(name, .int32, [values.count, 1], data(.int32, numbers))
  }

  private static func cells(_ name: String, _ texts: [String]) -> [UInt8] {
    var content: [UInt8] = []
    for text in texts {
      let units = Array(text.utf16)
      var characters: [UInt8] = []
      for unit in units { characters.append(littleEndian: unit) }
      // Readers take plain 16-bit numbers for characters of an older code.
      let type = units.allSatisfy { $0 < 128 } ? DataType.uint16 : .utf16
      content += matrix(
        "", .character, [units.isEmpty ? 0 : 1, units.count], data(type, characters))
    }
    return matrix(name, .cell, [texts.count, 1], content)
  }
}
