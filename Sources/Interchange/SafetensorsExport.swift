internal import FeatureStore
internal import Files
internal import Formats
internal import Tensors

/// Tensors `features`, `labels` and `rows` in one safetensors file.
package struct SafetensorsExport: ExportFormat {
  package static let name = "safetensors"
  package static let summary = """
    tensors features (float32), labels (int64, from 0 in the order of the metadata's JSON list “classes”; \
    -1 for none) and rows (int64, of the store)
    """

  package let rows: ExportedRows

  package init(_ rows: ExportedRows) { self.rows = rows }

  package var header: [UInt8] {
    let count = rows.rows.count
    var end = 0
    func tensor(_ type: String, _ shape: [Int], _ size: Int) -> JSONValue {
      let start = end
      end += shape.reduce(size, *)
      return .object([
        "dtype": .string(type), "shape": .integers(shape), "data_offsets": .integers([start, end]),
      ])
    }
    let classes = JSONValue.array(rows.store.classes.map { .string($0.description) })
    let members: [String: JSONValue] = [
      "__metadata__": .object([
        "classes": .string(classes.compactText), "format": .string("pt"),
        "layer": .string(rows.layer),
      ]),
      "features": tensor("F32", [count, rows.width], 4), "labels": tensor("I64", [count], 8),
      "rows": tensor("I64", [count], 8),
    ]
    var text = Array(JSONValue.object(members).compactText.utf8)
    // The numbers begin at a multiple of eight.
    text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt64(text.count))
    return bytes + text
  }

  package func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8]) {
    ElementType.float32.append(values, to: &bytes)
  }

  package func footer(checksum: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in rows.labelIndices + rows.rows { bytes.append(littleEndian: Int64(number)) }
    return bytes
  }
}
