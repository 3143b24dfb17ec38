internal import Classification
internal import FeatureStore

/// Some rows of one or several stores, one after the other, read where they are.
struct SelectedRows: RowSource {
  /// One row: of which store, its number there, and its class.
  struct Entry: Sendable {
    let part: Int
    let row: Int
    let label: Int
  }

  /// A layer of a store.
  struct Part: Sendable {
    /// The store's path, for messages.
    let name: String
    let layer: StoredLayer
  }

  let name: String
  let classNames: [String]
  let parts: [Part]
  let entries: [Entry]
  /// Whether the features of part i stand beside a copy that only part i has (Daumé III, 2007):
  /// `(x, x, 0)` for the first of two parts, `(x, 0, x)` for the second.
  let isAugmented: Bool

  var rowCount: Int { entries.count }
  var width: Int { parts[0].layer.width * (isAugmented ? 1 + parts.count : 1) }

  func use(of row: Int) -> RowUse { .labelled(entries[row].label) }

  func origin(of row: Int) -> (name: String, row: Int) {
    (parts[entries[row].part].name, entries[row].row)
  }

  func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    scratch.removeAll(keepingCapacity: true)
    scratch.reserveCapacity(rows.count * width)
    for row in rows {
      let entry = entries[row]
      parts[entry.part].layer.append(entry.row..<entry.row + 1, to: &scratch)
      guard isAugmented else { continue }
      let base = parts[0].layer.width
      let start = scratch.count - base
      for part in parts.indices {
        for j in 0..<base { scratch.append(part == entry.part ? scratch[start + j] : 0) }
      }
    }
    try body(scratch.span)
  }
}
