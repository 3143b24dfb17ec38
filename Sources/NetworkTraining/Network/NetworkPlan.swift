package import ConvNet
internal import Tensors

/// A network and how its parameters are learned: what a `TrainedNetwork` is made of.
package struct NetworkPlan: Sendable {
  package let definition: NetworkDefinition
  package let text: TrainingText
  /// Layers before this one are not learned; nil for none.
  package var frozenBelow: String?
  /// Factors of the rates and decays of layers, by name, besides those of the text.
  package var factors: [String: ParameterRates]
  /// Draws dropout and fillers.
  package var seed: UInt64

  package init(
    _ text: TrainingText, frozenBelow: String? = nil, factors: [String: ParameterRates] = [:],
    seed: UInt64
  ) throws(TrainingError) {
    definition = text.architecture.definition
    (self.text, self.frozenBelow, self.factors, self.seed) = (text, frozenBelow, factors, seed)
    let names = definition.parameterLayerNames
    if let frozenBelow, !names.contains(frozenBelow) {
      throw .unknownLayer(frozenBelow, option: "--freeze-below", expected: names)
    }
    if let unknown = factors.keys.sorted().first(where: { !names.contains($0) }) {
      throw .unknownLayer(unknown, option: "--rate or --decay", expected: names)
    }
    try checkLayers()
    if !names.contains(where: { layer in
      definition.layers.first { $0.name == layer }!.parameterShapes.indices.contains {
        rates(layer, part: $0) != nil
      }
    }) {
      throw .untrainable(layer: "the network", reason: "no layer is left that learns")
    }
  }

  /// Layers that training computes; a softmax at the end is part of the loss.
  var layers: [NetworkDefinition.Layer] {
    definition.layers.last?.operation == .softmax
      ? Array(definition.layers.dropLast()) : definition.layers
  }

  private func checkLayers() throws(TrainingError) {
    if let first = text.dropouts.first(where: { $0.after.isEmpty }) {
      throw .untrainable(
        layer: first.name, reason: "expected dropout behind a layer, not the input")
    }
    for layer in layers {
      switch layer.operation {
      case .channelScaling:
        throw .untrainable(
          layer: layer.name,
          reason: "batch normalization and scaling are not trained here; expected a network without"
        )
      case .softmax:
        throw .untrainable(
          layer: layer.name, reason: "expected Softmax as the last layer alone, for the loss")
      case .rectification(let slope) where slope < 0:
        throw .untrainable(
          layer: layer.name, reason: "expected a negative_slope of 0 or more, found \(slope)")
      default: break
      }
    }
  }

  /// Classes that the network tells apart.
  package var classCount: Int { layers.last?.outputShape.count ?? 0 }
  /// The layer that tells them.
  package var lastParameterLayer: String { definition.parameterLayerNames.last ?? "" }

  /// Layers of which something is learned.
  package var learnedLayers: [String] {
    definition.layers.filter { layer in
      layer.parameterShapes.indices.contains { rates(layer.name, part: $0) != nil }
    }.map(\.name)
  }

  /// The first layer behind the maps.
  var firstRowLayer: String {
    layers.first { TrainedNetwork.startsRows($0) }?.name ?? "the loss"
  }

  /// Some layer before the first inner product is learned.
  package var mapsLearn: Bool {
    layers.prefix { !TrainedNetwork.startsRows($0) }.contains { layer in
      layer.parameterShapes.indices.contains { rates(layer.name, part: $0) != nil }
    }
  }

  /// How fast a layer's part, weights or biases, is learned; nil for not at all.
  func rates(_ layer: String, part: Int) -> ParameterRates? {
    let names = definition.parameterLayerNames
    if let frozenBelow, names.firstIndex(of: layer)! < names.firstIndex(of: frozenBelow)! {
      return nil
    }
    let written = text.layer(layer)?.rates ?? []
    var rates = part < written.count ? written[part] : ParameterRates()
    if let factor = factors[layer] {
      rates.rate *= factor.rate
      rates.decay *= factor.decay
    }
    return rates.rate == 0 ? nil : rates
  }

  /// A layer's numbers before anything is learned, whole, in the order of files.
  ///
  /// What the text says; else weights normal with variance 2 / inputs (He et al. 2015), which reaches
  /// any depth, biases 0 and slopes 0.25, as Caffe has them.
  package func initialNumbers(_ layer: NetworkDefinition.Layer, part: Int) -> [Float] {
    let (written, shape) = (text.layer(layer.name), layer.parameterShapes[part])
    let filler: Filler
    if shape.name == "bias" {
      filler = written?.biasFiller ?? .constant(0)
    } else if case .learnedRectification = layer.operation {
      filler = written?.weightFiller ?? .constant(0.25)
    } else {
      filler = written?.weightFiller ?? .msra(.fanIn)
    }
    let number = definition.parameterLayerNames.firstIndex(of: layer.name)!
    var generator = SeededGenerator(seed: seed, stream: UInt64(2 * number + part))
    return filler.numbers(shape.shape, &generator)
  }
}
