internal import FeatureStore
internal import Files

/// A header, then `row,path,label,value,…` (RFC 4180).
package struct CSVExport: ExportFormat {
  package static let name = "csv"
  package static let summary = "a header, then row,path,label,value,…"

  package let rows: ExportedRows

  package init(_ rows: ExportedRows) { self.rows = rows }

  package var header: [UInt8] {
    Array("row,path,label,\((0..<rows.width).map { "f\($0)" }.joined(separator: ","))\n".utf8)
  }

  package func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8]) {
    let entry = rows.store.rows[row]
    bytes += "\(row),".utf8
    Self.append(field: entry.path.bytes, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Self.append(field: entry.label?.bytes ?? [], to: &bytes)
    for value in values { bytes += ",\(value)".utf8 }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// A field in quotes where it holds a comma, a quote or a line break.
  private static func append(field: [UInt8], to bytes: inout [UInt8]) {
    let quote = UInt8(ascii: "\"")
    guard field.contains(where: { [quote, UInt8(ascii: ","), 0x0a, 0x0d].contains($0) }) else {
      bytes += field
      return
    }
    bytes.append(quote)
    for byte in field { bytes += byte == quote ? [quote, quote] : [byte] }
    bytes.append(quote)
  }
}
