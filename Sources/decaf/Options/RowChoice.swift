internal import Embedding
internal import FeatureStore

/// The rows of a store that a picture is made of.
enum RowChoice {
  /// The rows that did not fail, ascending.
  static func usable(of store: Store) -> [Int] {
    (0..<store.rowCount).filter { store.status($0) == .ok }
  }

  /// Of these at most so many, spread evenly over the store.
  ///
  /// - Throws: `EmbeddingError.noRows` where every row failed.
  static func spread(over store: Store, atMost most: Int) throws(EmbeddingError) -> [Int] {
    let usable = usable(of: store)
    guard !usable.isEmpty else { throw .noRows(path: store.path) }
    let count = min(most, usable.count)
    return (0..<count).map { usable[$0 * usable.count / count] }
  }
}
