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
    let (own, others) = (leavesByPath, other.leavesByPath)
    return Set(own.keys).union(others.keys).sorted().compactMap { keyPath in
      if own[keyPath] == others[keyPath] { return nil }
      return Difference(
        keyPath: keyPath.description, own: Self.shown(own[keyPath]),
        other: Self.shown(others[keyPath]))
    }
  }

  /// Every leaf by its path; by bytes, as `String` takes composed characters for equal to others.
  ///
  /// A key with a point in it may give two leaves one path (`{"a.b": 1, "a": {"b": 2}}`): both stand
  /// there then.
  private var leavesByPath: [ByteString: [ByteString]] {
    Dictionary(
      flattened.map { (ByteString($0.keyPath), [ByteString($0.description)]) }, uniquingKeysWith: +)
  }

  /// Of a digest, the beginning tells it from another.
  private static func shown(_ leaves: [ByteString]?) -> String {
    guard let leaves else { return "none" }
    let leaf = leaves.map(\.description).joined(separator: ", ")
    return leaf.utf8.count > 40 ? "\(leaf.prefix(12))…" : leaf
  }
}
