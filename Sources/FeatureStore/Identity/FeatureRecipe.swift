package import Files

/// What features were made by: everything but the images that decides their values.
///
/// One type for the request of an extraction, the identity of a store (`Provenance`) and what a
/// classifier was trained on (`FeatureOrigin`). Features of equal recipes may stand side by side, and
/// a classifier trained on one takes the other.
///
/// Not in it, though a store's fingerprint has them: the kernel class and the version of the
/// arithmetic, which change the last bits of a number only, and how the store holds the numbers. A
/// classifier trained on one processor must serve the next.
///
/// Values are text, not the enumerations of who computes them: a store of another program, or of a
/// later version of this one, can be read, compared and refused with its own words.
package struct FeatureRecipe: Codable, Equatable, Sendable {
  /// The network: its architecture, and SHA-256 of its weights' numbers; of a descriptor its name, and
  /// SHA-256 of its codebook's numbers, or of the name where it has none.
  package struct Network: Codable, Equatable, Sendable {
    package var architecture: String
    package var sha256: String

    package init(architecture: String, sha256: SHA256Digest) {
      self.architecture = architecture
      self.sha256 = sha256.hexadecimal
    }
  }

  package var model: Network
  /// The whole input transform.
  package var transform: JSONValue
  /// How images are decoded: `exact`, `fast`.
  package var decode: String
  /// The crops of an image and what becomes of them: `center`, `ten`, `ten-all`.
  package var views: String
  /// What the engine computes in, not what the store holds: `fp32`, `bf16`.
  package var precision: String
  /// The hand-made feature that is computed instead: `gist`, `llc`; nil for activations of a network.
  package var descriptor: String?

  package init(
    model: Network, transform: JSONValue, decode: String, views: String, precision: String
  ) {
    self.model = model
    self.transform = transform
    self.decode = decode
    self.views = views
    self.precision = precision
  }

  /// The recipe of features that another program made, of which `origin` is all that is known.
  package static func imported(origin: String) -> FeatureRecipe {
    let unknown = "imported"
    return FeatureRecipe(
      model: Network(architecture: unknown, sha256: SHA256Digest(of: origin.utf8)),
      transform: .object([unknown: .string(origin)]), decode: unknown, views: unknown,
      precision: unknown)
  }
}
