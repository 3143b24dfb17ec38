/// The name of one of a network's activations, as users write it: `pool5`, `fc6`, `fc6:pre`, `data`.
///
/// Plain names are what Caffe leaves in the blob: after the ReLU where one follows. `:pre` asks for
/// the value before it. `decaf5`, `decaf6` and `decaf7` are the paper's names of `pool5`, `fc6` and
/// `fc7` (Donahue et al. 2014, section 3); they are resolved on entry, so two spellings of one
/// activation are equal.
package struct BlobName: Hashable, Codable, Sendable, CustomStringConvertible {
  /// The blob's name in the network, without `:pre`.
  package let name: String
  /// The value before the ReLU is meant.
  package let isPreactivation: Bool

  /// A name that is known to be valid, as in a network's definition.
  init(_ name: String, isPreactivation: Bool = false) {
    self.name = name
    self.isPreactivation = isPreactivation
  }

  /// The input tensor, after the input transform.
  package static let data = BlobName("data")

  static let aliases = ["decaf5": "pool5", "decaf6": "fc6", "decaf7": "fc7"]

  /// Reads a name as a user writes it.
  ///
  /// - Throws: `ModelError.unknownBlob` when no architecture has such an activation, `:pre` without a
  ///   ReLU included.
  package init(parsing text: String) throws(ModelError) {
    let suffix = ":pre"
    let isPreactivation = text.hasSuffix(suffix)
    let written = isPreactivation ? String(text.dropLast(suffix.count)) : text
    let blob = BlobName(Self.aliases[written] ?? written, isPreactivation: isPreactivation)
    guard Self.all.contains(blob) else {
      throw .unknownBlob(text, valid: Self.all.map(\.description))
    }
    self = blob
  }

  /// Every activation of every architecture, in the order of the first that has it.
  package static let all: [BlobName] = {
    var seen = [BlobName]()
    for architecture in Architecture.allCases {
      for blob in NetworkDefinition(architecture).blobs where !seen.contains(blob) {
        seen.append(blob)
      }
    }
    return seen
  }()

  package var description: String { isPreactivation ? name + ":pre" : name }

  /// The description with nothing in it that a file name should not hold: `fc6-pre`.
  package var fileStem: String { isPreactivation ? name + "-pre" : name }

  package init(from decoder: any Decoder) throws {
    try self.init(parsing: try decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
