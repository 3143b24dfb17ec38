internal import Tensors

extension Model {
  /// Makes a complete network of seeded weights: untrained, but fit to show and test everything.
  ///
  /// AlexNet's conv1 holds oriented and colour-opponent filters (see `FirstLayerFilters`), so that
  /// edges and hues lead to different activations; other weights are normal with variance 2/inputs (He
  /// et al., “Delving deep into rectifiers”, 2015, equation 10), which keeps activations of one size
  /// from layer to layer. Biases are zero, and what normalizes or scales leaves activations as they are.
  /// Each layer has its own stream of random numbers, so a shorter network begins with the same weights.
  /// The bytes are the same on every machine.
  ///
  /// - Parameter lastParameterLayer: where the weights end; nil for the whole network, which takes
  ///   244 MB of memory.
  package static func generate(
    architecture: Architecture, seed: UInt64, through lastParameterLayer: String? = nil
  ) throws(ModelError) -> Model {
    let definition = NetworkDefinition(architecture, through: lastParameterLayer)
    var parameters = [String: LayerParameters]()
    for layer in definition.layers where layer.hasParameters {
      var generator = SeededGenerator(seed: seed, stream: UInt64(parameters.count))
      parameters[layer.name] = LayerParameters(
        layer.parameters.map { StoredFloats(values(of: $0, layer, &generator)) })
    }
    return try Model(
      architecture: architecture, parameters: parameters,
      origin: Origin(name: "\(architecture.rawValue)-untrained-seed-\(seed)", isUntrained: true))
  }

  private static func values(
    of part: ParameterShape, _ layer: NetworkDefinition.Layer, _ generator: inout SeededGenerator
  ) -> [Float] {
    let constant: Float
    switch (part.name, part.shape.count) {
    case ("weight", 4) where layer.input == .data && part.shape == FirstLayerFilters.shape:
      return FirstLayerFilters.make(&generator)
    case ("weight", 2...): return heScaled(part.shape, &generator)
    case ("weight", _): constant = layer.kind is PReLULayer ? 0.25 : 1
    case ("running_var", _), ("scale_factor", _): constant = 1
    default: constant = 0
    }
    return [Float](repeating: constant, count: part.count)
  }

  private static func heScaled(_ shape: [Int], _ generator: inout SeededGenerator) -> [Float] {
    let scale = (2 / Float(shape.dropFirst().reduce(1, *))).squareRoot()
    var weights = [Float](repeating: 0, count: shape.reduce(1, *))
    for i in weights.indices { weights[i] = generator.normal() * scale }
    return weights
  }
}
