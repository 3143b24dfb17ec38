import Tensors
import TestSupport

@testable import ConvNet

/// The engine's slow twin: every layer by explicit loops.
enum SlowNetwork {
  /// The activations of one image, C×H×W.
  ///
  /// - Parameter image: of the network's input shape, C×H×W.
  static func blobs(_ network: Network, _ image: [Float]) -> [BlobName: [Float]] {
    let shape = network.definition.shape(of: .data)
    var maps = [
      BlobName.data: SlowKernels.Map(shape.channels, shape.height, shape.width, image)
    ]
    for layer in network.definition.layers {
      maps[layer.output] = output(of: layer, maps[layer.input]!, network)
    }
    return maps.mapValues(\.values)
  }

  private static func output(
    of layer: NetworkDefinition.Layer, _ input: SlowKernels.Map, _ network: Network
  ) -> SlowKernels.Map {
    var output = input
    switch layer.kind {
    case let it as ConvolutionLayer:
      let stored = network.storedParameters(layer.name)
      output = SlowKernels.convolve(
        input, weights: stored.weights.floats(), biases: stored.biases.floats(),
        kernelSize: it.kernelSize, stride: it.stride, padding: it.padding, groups: it.groups)
    case is ReLULayer:
      output.values = SlowKernels.rectify(input.values)
    case let it as MaxPoolingLayer:
      output = SlowKernels.maxPool(input, size: it.kernelSize, stride: it.stride)
    case let it as LocalResponseNormalizationLayer:
      output = SlowKernels.normalize(
        input, localSize: it.localSize, alpha: Double(it.alpha), k: Double(it.k))
    case let it as InnerProductLayer:
      let stored = network.storedParameters(layer.name)
      output = SlowKernels.Map(
        it.outputs, 1, 1,
        SlowKernels.innerProduct(
          input.values, weights: stored.weights.floats(), biases: stored.biases.floats(),
          isFused: false))
    case is SoftmaxLayer:
      var span = output.values.mutableSpan
      softmax(input.values.span, into: &span)
    default: preconditionFailure("\(layer.name) has no slow twin")
    }
    return output
  }

  /// Random weights, scaled so that activations neither grow nor vanish.
  ///
  /// - Parameter inputScale: the size of the input's numbers.
  static func parameters(
    of definition: NetworkDefinition, inputScale: Float = 1
  ) -> [String: LayerParameters] {
    var parameters = [String: LayerParameters]()
    for (seed, layer) in definition.layers.enumerated() {
      guard let shape = layer.weightShape else { continue }
      let inputs = shape.dropFirst().reduce(1, *)
      let limit = (6 / Float(inputs)).squareRoot() / (layer.input == .data ? inputScale : 1)
      parameters[layer.name] = LayerParameters(
        weights: StoredFloats(
          SlowKernels.random(shape[0] * inputs, seed: UInt64(seed), in: -limit...limit)),
        biases: StoredFloats(
          SlowKernels.random(shape[0], seed: UInt64(100 + seed), in: -0.1...0.1)))
    }
    return parameters
  }
}
