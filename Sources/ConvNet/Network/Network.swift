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
      guard layer.hasParameters else { continue }
      guard let found = parameters[layer.name] else {
        throw .missingLayer(
          layer.name, path: path, found: parameters.keys.sorted(),
          expected: definition.parameterLayerNames)
      }
      guard found.blobs.count == layer.parameters.count else {
        throw .missingBlob(
          layer: layer.name, path: path, expected: layer.partNames, found: found.blobs.count)
      }
      for (part, floats) in zip(layer.parts, found.blobs) where floats.count != part.shape.count {
        throw .wrongCount(
          layer: layer.name, part: part.name, path: path, expected: part.shape.count,
          found: floats.count)
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

  /// Panels, if there are any, are as many numbers as the weights make.
  var panelsFit: Bool {
    definition.layers.allSatisfy { layer in
      guard let stored = parameters[layer.name], let panels = stored.panels else { return true }
      return layer.hasWeightMatrix
        && panels.count
          == WeightPanels(of: stored.weights, outputs: layer.outputShape.channels).floatCount
    }
  }

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
    let width = definition.layers.first { $0.name == layer }!.weightsPerOutput
    return try stored.weights.withFloats(
      outputs.lowerBound * width..<outputs.upperBound * width, body)
  }

  /// SHA-256 over, for each layer with weights in order, its name and the shapes of its numbers
  /// (`conv1 96 3 11 11 96\n` of weights and biases), then the numbers as little-endian float32.
  ///
  /// - Throws: `ModelError.notFinite`.
  func digest(path: String) throws(ModelError) -> SHA256Digest {
    var hasher = SHA256Digest.Hasher()
    for layer in definition.layers {
      guard layer.hasParameters else { continue }
      let numbers = layer.parameters.flatMap(\.shape).map(String.init).joined(separator: " ")
      hasher.update(Array("\(layer.name) \(numbers)\n".utf8))
      for (part, floats) in zip(layer.parts, storedParameters(layer.name).blobs) {
        if let index = floats.update(&hasher) {
          throw .notFinite(layer: layer.name, part: part.name, path: path, index: index)
        }
      }
    }
    return hasher.finalize()
  }
}
