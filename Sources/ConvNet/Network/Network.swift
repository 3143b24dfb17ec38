internal import Files
internal import Tensors

/// A network's definition with numbers for all its layers: what an engine computes.
///
/// The numbers stay where they are, in a mapped file or in memory, until a layer's are asked for.
struct Network: Sendable {
  let definition: NetworkDefinition
  private let parameters: [String: LayerParameters]

  /// - Parameters:
  ///   - parameters: by layer name, of every layer that has weights.
  ///   - path: where they came from, for messages.
  /// - Throws: `ModelError.missingLayer` or `wrongCount`.
  init(
    _ definition: NetworkDefinition, parameters: [String: LayerParameters], path: String = ""
  ) throws(ModelError) {
    for layer in definition.layers {
      guard let shape = layer.weightShape else { continue }
      guard let found = parameters[layer.name] else {
        throw .missingLayer(layer.name, path: path, found: parameters.keys.sorted())
      }
      for (part, count, floats) in [
        ("weights", shape.reduce(1, *), found.weights), ("biases", shape[0], found.biases),
      ] where floats.count != count {
        throw .wrongCount(
          layer: layer.name, part: part, path: path, expected: count, found: floats.count)
      }
    }
    self.definition = definition
    self.parameters = parameters
  }

  /// The same numbers; what files repeat in panels is left aside.
  private init(withoutPanels network: Network) {
    definition = network.definition
    parameters = network.parameters.mapValues(\.withoutPanels)
  }

  var withoutPanels: Network { Network(withoutPanels: self) }
  var hasPanels: Bool { parameters.values.contains { $0.panels != nil } }
  var panelsFit: Bool { parameters.values.allSatisfy(\.panelsFit) }

  /// The numbers of the layer called `layer`, not read yet.
  ///
  /// - Precondition: the definition has the layer, and it has weights.
  func storedParameters(_ layer: String) -> LayerParameters {
    guard let found = parameters[layer] else { preconditionFailure("no weights for \(layer)") }
    return found
  }

  /// Calls `body` with the weights of the outputs `outputs` of `layer`: row-major, one row an output.
  ///
  /// Without a copy from an aligned mapped file, so a packer that goes through the outputs in pieces
  /// never holds a layer twice.
  func withWeights<R, E: Error>(
    _ layer: String, outputs: Range<Int>, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let stored = storedParameters(layer)
    let width = stored.weights.count / stored.biases.count
    return try stored.weights.withFloats(
      outputs.lowerBound * width..<outputs.upperBound * width, body)
  }

  /// SHA-256 over, for each layer with weights in order, its name, the weights' shape and the
  /// biases' length (`conv1 96 3 11 11 96\n`), then weights and biases as little-endian float32.
  ///
  /// - Throws: `ModelError.notFinite`.
  func digest(path: String) throws(ModelError) -> SHA256Digest {
    var hasher = SHA256Digest.Hasher()
    for layer in definition.layers {
      guard let shape = layer.weightShape else { continue }
      let numbers = (shape + [shape[0]]).map(String.init).joined(separator: " ")
      hasher.update(Array("\(layer.name) \(numbers)\n".utf8))
      let found = storedParameters(layer.name)
      for (part, floats) in [("weights", found.weights), ("biases", found.biases)] {
        if let index = floats.update(&hasher) {
          throw .notFinite(layer: layer.name, part: part, path: path, index: index)
        }
      }
    }
    return hasher.finalize()
  }
}
