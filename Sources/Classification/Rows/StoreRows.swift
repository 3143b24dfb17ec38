package import FeatureStore
internal import Files
internal import Images
package import Tensors

/// The rows of one layer of a complete store.
package struct StoreRows: RowSource {
  package let store: Store
  private let layer: StoredLayer

  /// - Throws: `StoreError` when the store has no such layer or its files are damaged.
  package init(_ store: Store, layer name: String) throws(StoreError) {
    self.store = store
    layer = try store.layer(named: name)
  }

  package var name: String { store.path }
  package var rowCount: Int { store.rowCount }
  package var width: Int { layer.width }
  package var classNames: [String] { store.classes.map(\.description) }

  package func use(of row: Int) -> RowUse {
    if store.status(row) == .failed { return .failed }
    return store.labelIndex(row).map { .labelled($0) } ?? .unlabelled
  }

  package func place(of row: Int) -> CachedRows.Place? {
    layer.place(of: row).map { CachedRows.Place(file: $0.file, offset: $0.offset) }
  }

  package func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    try layer.withFloats(rows, scratch: &scratch, body)
  }
}
