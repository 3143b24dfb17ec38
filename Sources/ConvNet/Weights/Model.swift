package import Files
package import Tensors

/// A network's definition with the weights for it, checked.
///
/// The numbers stay where they are, in a mapped file or in memory, until a layer's are asked for.
package final class Model: Sendable {
  /// One layer's numbers. Weights are `O × I/groups × KH × KW` or `O × I`, biases `O`; row-major.
  package struct Parameters: Sendable {
    package let weights: StoredFloats
    package let biases: StoredFloats
    /// An inner product's weights in panels too, if the file has them: see `WeightPanels`.
    package let panels: StoredFloats?

    package init(weights: StoredFloats, biases: StoredFloats, panels: StoredFloats? = nil) {
      self.weights = weights
      self.biases = biases
      self.panels = panels
    }

    /// Panels, if there are any, are as many numbers as the weights make.
    fileprivate var panelsFit: Bool {
      guard let panels else { return true }
      return panels.count == WeightPanels(of: weights, outputs: biases.count).floatCount
    }
  }

  /// How the order of the layers was decided.
  package enum ArchitectureSource: String, Sendable, Codable {
    /// The caller named it.
    case given
    /// The file lists its pooling and normalization layers in this order.
    case layerOrder = "layer order"
    /// A safetensors file's metadata names it.
    case metadata
    /// The network's name in the file.
    case networkName = "network name"
    /// Nothing in the file tells; the shapes fit and `caffenet` was assumed.
    case shapes
  }

  /// The network, cut after the last layer that the weights reach.
  package let definition: NetworkDefinition
  package let architectureSource: ArchitectureSource
  /// The network's own name in the file, or empty.
  package let name: String
  /// Where the weights came from, for messages; empty for a model made in memory.
  package let path: String
  /// The file says of itself that its weights were never trained.
  package let isUntrained: Bool
  /// What the user should know: an assumed architecture, layers left aside.
  package let warnings: [String]
  /// Identifies the numbers, whatever file they are in; see `Model.digest`.
  package let weightsSHA256: SHA256Digest

  private let parameters: [String: Parameters]

  package var architecture: Architecture { definition.architecture }

  /// Every activation that can be computed, `data` first.
  package var reachableBlobs: [BlobName] { definition.blobs }

  /// Builds a model of numbers that are at hand.
  ///
  /// - Parameters:
  ///   - parameters: by layer name: the first few of `NetworkDefinition.parameterLayerNames`, without a
  ///     gap.
  ///   - panelsDigest: the `weightsSHA256`, in hexadecimal, of the weights that panels were made of;
  ///     panels of others, or of another shape, are left aside with a warning.
  /// - Throws: `ModelError.missingLayer`, `wrongCount` or `notFinite`.
  package init(
    architecture: Architecture, parameters: [String: Parameters], name: String = "",
    path: String = "", architectureSource: ArchitectureSource = .given, isUntrained: Bool = false,
    panelsDigest: String? = nil, warnings: [String] = []
  ) throws(ModelError) {
    let names = NetworkDefinition.parameterLayerNames
    let reached = names.prefix { parameters[$0] != nil }
    guard let last = reached.last, reached.count == parameters.count else {
      throw .missingLayer(
        names.first { parameters[$0] == nil } ?? names[0], path: path,
        found: parameters.keys.sorted())
    }
    definition = NetworkDefinition(architecture, through: last)
    for layer in definition.layers {
      guard let shape = definition.weightShape(of: layer) else { continue }
      let found = parameters[layer.name]!
      let expected = shape.reduce(1, *)
      guard found.weights.count == expected else {
        throw .wrongCount(
          layer: layer.name, part: "weights", path: path, expected: expected,
          found: found.weights.count)
      }
      guard found.biases.count == shape[0] else {
        throw .wrongCount(
          layer: layer.name, part: "biases", path: path, expected: shape[0],
          found: found.biases.count)
      }
    }
    weightsSHA256 = try Self.digest(definition, parameters, path: path)
    let havePanels = parameters.values.contains { $0.panels != nil }
    let panelsFit =
      panelsDigest == weightsSHA256.hexadecimal && parameters.values.allSatisfy(\.panelsFit)
    if havePanels, !panelsFit {
      self.parameters = parameters.mapValues {
        Parameters(weights: $0.weights, biases: $0.biases)
      }
      self.warnings =
        warnings + [
          "the panels of \(path) are left aside: they were made of other weights than the file has; "
            + "decaf model convert makes new ones"
        ]
    } else {
      self.parameters = parameters
      self.warnings = warnings
    }
    self.name = name
    self.path = path
    self.architectureSource = architectureSource
    self.isUntrained = isUntrained
  }

  /// The numbers of the layer called `layer`, not read yet.
  ///
  /// - Precondition: the definition has the layer, and it has weights.
  package func storedParameters(_ layer: String) -> Parameters {
    guard let found = parameters[layer] else { preconditionFailure("no weights for \(layer)") }
    return found
  }

  /// A copy of all numbers of the layer called `layer`; fc6's weights are 151 MB.
  package func parameters(_ layer: String) -> (weights: [Float], biases: [Float]) {
    let stored = storedParameters(layer)
    return (stored.weights.floats(), stored.biases.floats())
  }

  /// Calls `body` with the weights of the outputs `outputs` of `layer`: row-major, one row an output.
  ///
  /// Without a copy from an aligned mapped file, so a packer that goes through the outputs in pieces
  /// never holds a layer twice.
  package func withWeights<R, E: Error>(
    _ layer: String, outputs: Range<Int>, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let stored = storedParameters(layer)
    let width = stored.weights.count / stored.biases.count
    return try stored.weights.withFloats(
      outputs.lowerBound * width..<outputs.upperBound * width, body)
  }

  /// Compares all weights that the file repeats in panels with those they were made of.
  ///
  /// - Throws: `ModelError.differingPanels`.
  package func checkPanels() throws(ModelError) {
    for layer in definition.layers {
      guard let found = parameters[layer.name], let stored = found.panels else { continue }
      let expected = WeightPanels(of: found.weights, outputs: found.biases.count)
      guard (0..<expected.count).allSatisfy({ expected.agree(with: stored, in: $0) }) else {
        throw .differingPanels(layer: layer.name, path: path)
      }
    }
  }

  /// - Throws: `ModelError.unreachableBlob` when the weights do not reach `blob`.
  package func requireReachable(_ blob: BlobName) throws(ModelError) {
    guard definition.contains(blob) else {
      throw .unreachableBlob(blob, path: path, reachable: reachableBlobs.map(\.description))
    }
  }

  /// SHA-256 over, for each layer with weights in order, its name, the weights' shape and the
  /// biases' length (`conv1 96 3 11 11 96\n`), then weights and biases as little-endian float32.
  ///
  /// - Throws: `ModelError.notFinite`.
  private static func digest(
    _ definition: NetworkDefinition, _ parameters: [String: Parameters], path: String
  ) throws(ModelError) -> SHA256Digest {
    var hasher = SHA256Digest.Hasher()
    for layer in definition.layers {
      guard let shape = definition.weightShape(of: layer) else { continue }
      let numbers = (shape + [shape[0]]).map(String.init).joined(separator: " ")
      hasher.update(Array("\(layer.name) \(numbers)\n".utf8))
      let found = parameters[layer.name]!
      for (part, floats) in [("weights", found.weights), ("biases", found.biases)] {
        if let index = floats.update(&hasher) {
          throw .notFinite(layer: layer.name, part: part, path: path, index: index)
        }
      }
    }
    return hasher.finalize()
  }
}
