internal import Embedding
internal import FeatureStore

/// The rows of a store that a picture is made of.
enum RowChoice {
  /// The rows that did not fail, ascending.
  static func usable(of store: Store) -> [Int] {
    (0..<store.rowCount).filter { store.status($0) == .ok }
  }

  /// The rows that did not fail, at least one.
  ///
  /// - Throws: `EmbeddingError.noRows` where every row failed.
  static func some(of store: Store) throws(EmbeddingError) -> [Int] {
    let usable = usable(of: store)
    guard !usable.isEmpty else { throw .noRows(path: store.path) }
    return usable
  }

  /// Of these at most so many, spread evenly over the store.
  ///
  /// - Throws: `EmbeddingError.noRows` where every row failed.
  static func spread(over store: Store, atMost most: Int) throws(EmbeddingError) -> [Int] {
    let usable = try some(of: store)
    return spread(usable.count, atMost: most).map { usable[$0] }
  }

  /// At most so many numbers below `count`, spread evenly.
  static func spread(_ count: Int, atMost most: Int) -> [Int] {
    let chosen = min(most, count)
    return (0..<chosen).map { $0 * count / chosen }
  }
}
