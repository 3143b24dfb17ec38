extension JSONValue {
  /// A leaf that two documents do not share; its values are shortened for people.
  package struct Difference: Equatable, Sendable {
    /// `transform.crop`, `layers[0].width`.
    package let keyPath: String
    /// The value here and the value in the other document; `none` where there is no such leaf.
    package let own: String
    package let other: String
  }

  /// What this document has otherwise than `other`, sorted by path; empty for equal documents.
  ///
  /// The one comparison behind every message that refuses a store, a classifier or a checkpoint for
  /// having been made otherwise.
  package func differences(from other: JSONValue) -> [Difference] {
    let own = Dictionary(uniqueKeysWithValues: flattened.map { ($0.keyPath, $0.description) })
    let others = Dictionary(
      uniqueKeysWithValues: other.flattened.map { ($0.keyPath, $0.description) })
    return Set(own.keys).union(others.keys).sorted().compactMap { keyPath in
      // By bytes: `String` takes composed characters for equal to others.
      if let mine = own[keyPath], let theirs = others[keyPath],
        mine.utf8.elementsEqual(theirs.utf8)
      {
        return nil
      }
      return Difference(
        keyPath: keyPath, own: Self.shown(own[keyPath]), other: Self.shown(others[keyPath]))
    }
  }

  /// Of a digest, the beginning tells it from another.
  private static func shown(_ leaf: String?) -> String {
    guard let leaf else { return "none" }
    return leaf.utf8.count > 40 ? "\(leaf.prefix(12))…" : leaf
  }
}
