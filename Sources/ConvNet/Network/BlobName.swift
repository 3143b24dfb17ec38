/// The name of one of a network's activations, as users write it: `pool5`, `fc6`, `fc6:pre`, `data`.
///
/// Plain names are what Caffe leaves in the blob: after the ReLU, or another activation, where one
/// follows in place. `:pre` asks for the value before it. `decaf5`, `decaf6` and `decaf7` are the
/// paper's names of `pool5`, `fc6` and `fc7` (Donahue et al. 2014, section 3); they are resolved on
/// entry, so two spellings of one activation are equal. Whether a network has such an activation, the
/// network knows.
package struct BlobName: Hashable, Codable, Sendable, CustomStringConvertible {
  /// The blob's name in the network, without `:pre`.
  package let name: String
  /// The value before the activation is meant.
  package let isPreactivation: Bool
  /// Layers that will replace the value before it has one of these names; 0 where it has.
  let replacements: Int

  /// A name that is known to be valid, as in a network's definition.
  init(_ name: String, isPreactivation: Bool = false, replacements: Int = 0) {
    self.name = name
    self.isPreactivation = isPreactivation
    self.replacements = replacements
  }

  /// The input tensor, after the input transform.
  package static let data = BlobName("data")

  static let aliases = ["decaf5": "pool5", "decaf6": "fc6", "decaf7": "fc7"]
  private static let suffix = ":pre"

  /// Reads a name as a user writes it.
  ///
  /// - Throws: `ModelError.notABlob` for what is no name.
  package init(parsing text: String) throws(ModelError) {
    let isPreactivation = text.hasSuffix(Self.suffix)
    let written = isPreactivation ? String(text.dropLast(Self.suffix.count)) : text
    guard Self.isValid(written) else { throw .notABlob(text) }
    self.init(Self.aliases[written] ?? written, isPreactivation: isPreactivation)
  }

  /// A network may give a blob this name: it can be written in a list.
  static func isValid(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 128 && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        byte >= 0x80 || (byte > 0x20 && byte != 0x7f && !#",:\"'"#.utf8.contains(byte))
      }
  }

  /// Users can ask for it.
  var isVisible: Bool { replacements == 0 }

  package var description: String {
    isPreactivation ? name + Self.suffix : isVisible ? name : "\(name) (before \(replacements))"
  }

  /// The description with nothing in it that a file name should not hold: `fc6-pre`.
  package var fileStem: String {
    let plain = String(name.map { $0 == "/" ? "-" : $0 })
    return isPreactivation ? plain + "-pre" : plain
  }

  package init(from decoder: any Decoder) throws {
    try self.init(parsing: try decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
