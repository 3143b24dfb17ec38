package import FeatureStore
package import Files

/// How features were made, as far as a classifier depends on it: unlike a store's whole identity,
/// it leaves out the images and the form they are stored in.
package struct FeatureOrigin: Codable, Equatable, Sendable {
  package var model: Provenance.Network
  package var transform: JSONValue
  package var decode: String
  package var views: String
  package var precision: String
  /// The layer's name: `fc6`, `pool5`, `fc6:pre`.
  package var layer: String
  /// Values in a row.
  package var width: Int

  /// - Parameter layer: of the store's layers.
  package init(_ provenance: Provenance, layer: LayerSpec) {
    model = provenance.model
    transform = provenance.transform
    decode = provenance.decode
    views = provenance.views
    precision = provenance.precision
    self.layer = layer.name
    width = layer.width
  }

  /// What features of another origin have otherwise, in words; empty when the two fit.
  package func differences(from other: FeatureOrigin) throws -> [String] {
    let expected = try Self.leaves(self)
    let found = try Self.leaves(other)
    return Set(expected.keys).union(found.keys).sorted().compactMap { key in
      let (expected, found) = (expected[key] ?? "nothing", found[key] ?? "nothing")
      if expected.utf8.elementsEqual(found.utf8) { return nil }
      return "\(key): expected \(Self.shown(expected)), found \(Self.shown(found))"
    }
  }

  private static func leaves(_ origin: FeatureOrigin) throws -> [String: String] {
    Dictionary(
      try JSONValue(encoding: origin).flattened.map { ($0.keyPath, $0.description) },
      uniquingKeysWith: { first, _ in first })
  }

  private static func shown(_ value: String) -> String {
    value.utf8.count > 40 ? "\(value.prefix(12))…" : value
  }
}
