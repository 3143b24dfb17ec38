internal import Tensors

extension Model {
  /// Makes a complete network of seeded weights: untrained, but fit to show and test everything.
  ///
  /// conv1 holds oriented and colour-opponent filters (see `FirstLayerFilters`), so that edges and
  /// hues lead to different activations; the other layers are normal with variance 2/inputs (He et
  /// al., “Delving deep into rectifiers”, 2015, equation 10), which keeps activations of one size
  /// from layer to layer. Biases are zero. Each layer has its own stream of random numbers, so a
  /// shorter network begins with the same weights. The bytes are the same on every machine.
  ///
  /// - Parameter lastParameterLayer: where the weights end; nil for the whole network, which takes
  ///   244 MB of memory.
  package static func generate(
    architecture: Architecture, seed: UInt64, through lastParameterLayer: String? = nil
  ) throws(ModelError) -> Model {
    let definition = NetworkDefinition(architecture, through: lastParameterLayer)
    var parameters = [String: LayerParameters]()
    for (index, layer) in definition.layers.enumerated() {
      guard let shape = layer.weightShape else { continue }
      var generator = SeededGenerator(seed: seed, stream: UInt64(parameters.count))
      let weights =
        index == 0
        ? FirstLayerFilters.make(&generator)
        : heScaled(shape, &generator)
      parameters[layer.name] = LayerParameters(
        weights: StoredFloats(weights),
        biases: StoredFloats([Float](repeating: 0, count: shape[0])))
    }
    return try Model(
      architecture: architecture, parameters: parameters,
      origin: Origin(name: "\(architecture.rawValue)-untrained-seed-\(seed)", isUntrained: true))
  }

  private static func heScaled(_ shape: [Int], _ generator: inout SeededGenerator) -> [Float] {
    let scale = (2 / Float(shape.dropFirst().reduce(1, *))).squareRoot()
    var weights = [Float](repeating: 0, count: shape.reduce(1, *))
    for i in weights.indices { weights[i] = generator.normal() * scale }
    return weights
  }
}
