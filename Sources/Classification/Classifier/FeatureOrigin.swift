package import FeatureStore
internal import Files

/// How features were made, as far as a classifier depends on it: unlike a store's whole identity,
/// it leaves out the images and the form they are stored in.
package struct FeatureOrigin: Codable, Equatable, Sendable {
  package var recipe: FeatureRecipe
  /// The layer's name: `fc6`, `pool5`, `fc6:pre`.
  package var layer: String
  /// Values in a row.
  package var width: Int

  package init(recipe: FeatureRecipe, layer: String, width: Int) {
    self.recipe = recipe
    self.layer = layer
    self.width = width
  }

  /// - Parameter layer: of the store's layers.
  package init(_ provenance: Provenance, layer: LayerSpec) {
    self.init(recipe: provenance.recipe, layer: layer.name, width: layer.width)
  }

  /// What features of another origin have otherwise, in words; empty when the two fit.
  package func differences(from other: FeatureOrigin) throws -> [String] {
    try JSONValue(encoding: self).differences(from: JSONValue(encoding: other)).map {
      "\($0.keyPath): expected \($0.own), found \($0.other)"
    }
  }
}

extension FeatureOrigin {
  /// The members beside the recipe's, whose own stand among them: the format of the classifier's
  /// metadata.
  private enum CodingKeys: String, CodingKey {
    case layer, width
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      recipe: try FeatureRecipe(from: decoder),
      layer: try container.decode(String.self, forKey: .layer),
      width: try container.decode(Int.self, forKey: .width))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try recipe.encode(to: encoder)
    try container.encode(layer, forKey: .layer)
    try container.encode(width, forKey: .width)
  }
}
