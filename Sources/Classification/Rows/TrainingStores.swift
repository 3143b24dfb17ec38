package import FeatureStore

/// One layer of some stores, checked to be trained on together.
package struct TrainingStores {
  package let stores: [Store]
  /// The rows of all stores, one after the other.
  package let rows: any RowSource
  /// How the features of all were made.
  package let origin: FeatureOrigin

  /// - Throws: `StoreError` for a store that is incomplete, damaged or lacks the layer;
  ///   `ClassificationError.incompatibleStores`, naming what differs.
  /// - Precondition: there is a path.
  package init(_ paths: [String], layer name: String) throws {
    stores = try paths.map { path throws(StoreError) in try Store(path) }
    let sources = try stores.map { store throws(StoreError) in
      try StoreRows(store, layer: name)
    }
    let origins = stores.map { store in
      FeatureOrigin(
        store.provenance, layer: store.provenance.layer(named: name)!)
    }
    origin = origins[0]
    for (store, other) in zip(stores, origins).dropFirst() {
      let differences = try origin.differences(from: other)
      if !differences.isEmpty {
        throw ClassificationError.incompatibleStores(
          first: stores[0].path, source: store.path, differences: differences)
      }
    }
    rows = sources.count == 1 ? sources[0] : try JoinedRows(sources)
  }
}
