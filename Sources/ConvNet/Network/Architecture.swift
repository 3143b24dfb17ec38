internal import Files
internal import Formats
internal import Presets

/// A network without its weights: one of those that come with decaf, or one from a file.
///
/// Krizhevsky, Sutskever and Hinton (2012, section 3) normalize before they pool; Caffe's reference
/// model, which DeCAF describes, pools first. The same weights give other activations in the other
/// order: so the network, not only its weights, is part of every store's identity.
package struct Architecture: Sendable, Hashable, RawRepresentable {
  /// What stores call it: the name of `Configs/networks/NAME.prototxt`; of a network from a file its
  /// own name and the start of its digest, `MiniNIN-1f2e3d4c5b6a7988`.
  package let rawValue: String
  /// All layers.
  package let definition: NetworkDefinition
  /// As it was read: a `.prototxt`.
  package let text: String
  /// The input transform that makes what the network was trained on, by the file's own comment: a
  /// preset's name, or a YAML file.
  package let preprocess: String?

  private init(
    rawValue: String, definition: NetworkDefinition, text: String, preprocess: String?
  ) {
    (self.rawValue, self.definition, self.text) = (rawValue, definition, text)
    self.preprocess = preprocess
  }

  /// The network of this name that comes with decaf; nil when there is none.
  package init?(rawValue: String) {
    guard let found = Self.shipped[rawValue] else { return nil }
    self = found
  }

  /// Reads a network's description, in protobuf's text format as Caffe has it.
  ///
  /// A network that is the same, layer by layer, as one that comes with decaf is that one, but for the
  /// input transform if the text names another.
  ///
  /// - Parameters:
  ///   - source: where it comes from, for messages.
  ///   - folder: where the path of an input transform starts from.
  /// - Throws: `ModelError.network`, with the line, for anything that is not understood or honoured.
  package init(
    parsing bytes: [UInt8], source: String, folder: String = "."
  ) throws(ModelError) {
    let network: NetworkText
    do throws(TextFormatError) {
      network = try NetworkText(bytes, source: source)
    } catch { throw .network(error) }
    let digest = Self.digest(network.definition)
    let preprocess = network.preprocess.map { InputTransform.path($0, in: folder) }
    if let same = Self.shippedDigests[digest] {
      self.init(
        rawValue: same.rawValue, definition: same.definition, text: same.text,
        preprocess: preprocess ?? same.preprocess)
      return
    }
    let name = network.name.isEmpty ? "network" : network.name
    self.init(
      rawValue: "\(name)-\(digest.prefix(Self.digestLength))", definition: network.definition,
      text: String(decoding: bytes, as: UTF8.self), preprocess: preprocess)
  }

  /// Digits of the digest in a name.
  private static let digestLength = 16

  /// A name as networks from files have it, which alone does not tell the network.
  package static func isNameOfFile(_ name: String) -> Bool {
    let end = name.utf8.suffix(digestLength + 1)
    return end.count == digestLength + 1 && end.first == UInt8(ascii: "-")
      && end.dropFirst().allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }

  /// A network that comes with decaf, or one read from a file.
  ///
  /// - Parameter nameOrPath: a file when it has a slash in it or ends in `.prototxt` or `.txt`.
  /// - Throws: `ModelError.unknownNetwork`, `cannotReadNetwork` or `network`.
  package static func named(_ nameOrPath: String) throws(ModelError) -> Architecture {
    if let found = shipped[nameOrPath] { return found }
    let isPath =
      nameOrPath.contains("/") || [".prototxt", ".txt"].contains { nameOrPath.hasSuffix($0) }
    guard isPath else { throw .unknownNetwork(nameOrPath) }
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try PositionedFile(nameOrPath, .read).read(byteLimit + 1, at: 0)
    } catch { throw .cannotReadNetwork(error) }
    guard bytes.count <= byteLimit else {
      throw .network(
        TextFormatError(
          source: nameOrPath, line: 1,
          problem: "expected a network's description of up to \(byteLimit) bytes, found more; "
            + "is it the file of weights?"))
    }
    return try Architecture(
      parsing: bytes, source: nameOrPath, folder: FileSystem.folder(of: nameOrPath))
  }

  /// A megabyte is more than any chain needs.
  static let byteLimit = 1 << 20

  /// SHA-256, in hexadecimal, of what is asked of the layers, whatever words a file has for it.
  private static func digest(_ definition: NetworkDefinition) -> String {
    let input = definition.inputShape.dimensions.map(String.init).joined(separator: " ")
    let lines = ["data \(input)"] + definition.layers.map(\.canonicalText)
    return SHA256Digest(of: Array(lines.joined(separator: "\n").utf8)).hexadecimal
  }

  /// Conv → ReLU → max-pool → local response normalization: Caffe's reference model, DeCAF's order.
  package static let caffenet = shipped["caffenet"]!
  /// Conv → ReLU → local response normalization → max-pool: Krizhevsky's order, BVLC's constants.
  package static let alexnet = shipped["alexnet"]!

  private static let shipped: [String: Architecture] = {
    var networks = [String: Architecture]()
    for (name, text) in Presets.networks {
      do throws(TextFormatError) {
        let network = try NetworkText(Array(text.utf8), source: "\(name).prototxt")
        networks[name] = Architecture(
          rawValue: name, definition: network.definition, text: text,
          preprocess: network.preprocess)
      } catch { preconditionFailure("Configs/networks: \(error)") }
    }
    return networks
  }()

  private static let shippedDigests = Dictionary(
    uniqueKeysWithValues: shipped.values.map { (digest($0.definition), $0) })

  /// Batch normalization and scaling are not trained here.
  package var isTrainable: Bool { !definition.scalesChannels }

  /// It comes with decaf: its name is enough to know it.
  package var isShipped: Bool { Self.shipped[rawValue] != nil }

  package static func == (a: Architecture, b: Architecture) -> Bool { a.rawValue == b.rawValue }

  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  /// The architecture that a network of this name has by convention (`CaffeNet`, `AlexNet`,
  /// `bvlc_reference_caffenet`, in any mixture of cases); nil when the name says nothing.
  package init?(networkName: String) {
    let name = networkName.lowercased()
    let matches = [Self.caffenet, .alexnet].filter { name.contains($0.rawValue) }
    guard matches.count == 1 else { return nil }
    self = matches[0]
  }
}

extension Architecture: CaseIterable {
  /// Those that come with decaf: DeCAF's first, then the others by name.
  package static let allCases: [Architecture] =
    [.caffenet, .alexnet]
    + shipped.values.filter { ![.caffenet, .alexnet].contains($0) }
    .sorted { $0.rawValue < $1.rawValue }
}
