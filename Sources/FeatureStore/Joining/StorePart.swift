internal import Files

/// Rows of a store that are to be copied into another.
package struct StorePart: Sendable {
  package let store: Store
  /// Ascending, none empty.
  package let rows: [Range<Int>]
  /// Which rows these are, in words; nil for all.
  let selection: String?

  /// All rows of a store.
  package init(_ store: Store) {
    self.init(store, rows: store.rowCount == 0 ? [] : [0..<store.rowCount], selection: nil)
  }

  init(_ store: Store, rows: [Range<Int>], selection: String?) {
    self.store = store
    self.rows = rows
    self.selection = selection
  }

  package var rowCount: Int { rows.reduce(0) { $0 + $1.count } }

  /// What the new store says of it.
  var identity: Provenance.Part {
    Provenance.Part(
      store: SHA256Digest(of: store.manifest.bytes), list: store.provenance.list,
      selection: selection)
  }
}
