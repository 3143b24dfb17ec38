internal import FeatureStore
internal import Files
internal import Formats
internal import Tensors

/// One NumPy array of the rows, and a text of their labels.
package struct NPYExport: ExportFormat {
  package static let name = "npy"
  package static let summary =
    "a NumPy array of float32, and OUTPUT.labels.txt, a line a row"

  package let rows: ExportedRows

  package init(_ rows: ExportedRows) { self.rows = rows }

  package var header: [UInt8] {
    NPYHeader(elementType: .float32, shape: [rows.rows.count, rows.width]).bytes
  }

  package func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8]) {
    ElementType.float32.append(values, to: &bytes)
  }

  package var companion: (suffix: String, bytes: [UInt8])? {
    var bytes: [UInt8] = []
    for row in rows.rows {
      FieldEscape.append(rows.store.rows[row].label?.bytes ?? [], to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
    return (".labels.txt", bytes)
  }
}
