import Foundation
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
    switch layer.kind {
    case let it as ConvolutionLayer:
      let stored = network.storedParameters(layer.name)
      return SlowKernels.convolve(
        input, weights: stored.weights.floats(), biases: stored.biases(count: it.outputs),
        shape: ConvolutionShape(
          channels: input.channels, outputs: it.outputs, kernelSize: it.kernelSize,
          stride: it.stride, padding: it.padding, dilation: it.dilation, groups: it.groups))
    case let it as PoolingLayer:
      return SlowKernels.pool(
        input, isAverage: it.method == .average,
        size: it.kernelSize ?? PlaneSize(input.height, input.width), stride: it.stride,
        padding: it.padding, height: layer.outputShape.height, width: layer.outputShape.width)
    case let it as LocalResponseNormalizationLayer:
      return SlowKernels.normalize(
        input, localSize: it.localSize, alpha: Double(it.alpha), beta: Double(it.beta),
        k: Double(it.k))
    case let it as InnerProductLayer:
      let stored = network.storedParameters(layer.name)
      return SlowKernels.Map(
        it.outputs, 1, 1,
        SlowKernels.innerProduct(
          input.values, weights: stored.weights.floats(),
          biases: stored.biases(count: it.outputs), isFused: false))
    case is FlattenLayer: return SlowKernels.Map(input.values.count, 1, 1, input.values)
    case is DropoutLayer: return input
    case is SoftmaxLayer: return softmaxOfPixels(input)
    default: return eachNumber(of: layer, input, network)
    }
  }

  /// Of every pixel's channels.
  private static func softmaxOfPixels(_ input: SlowKernels.Map) -> SlowKernels.Map {
    var output = input
    for y in 0..<input.height {
      for x in 0..<input.width {
        let powers = (0..<input.channels).map { exp(Double(input[$0, y, x])) }
        for c in 0..<input.channels { output[c, y, x] = Float(powers[c] / powers.reduce(0, +)) }
      }
    }
    return output
  }

  /// Layers that change every number on its own, in `Double`.
  private static func eachNumber(
    of layer: NetworkDefinition.Layer, _ input: SlowKernels.Map, _ network: Network
  ) -> SlowKernels.Map {
    let blobs =
      layer.hasParameters
      ? network.storedParameters(layer.name).blobs.map { $0.floats().map(Double.init) } : []
    var output = input
    for i in input.values.indices {
      let (c, a) = (i / (input.height * input.width), Double(input.values[i]))
      let result: Double
      switch layer.kind {
      case let it as ReLULayer: result = a < 0 ? Double(it.slope) * a : a
      case let it as PReLULayer: result = a < 0 ? blobs[0][it.isShared ? 0 : c] * a : a
      case is TanHLayer: result = tanh(a)
      case is SigmoidLayer: result = 1 / (1 + exp(-a))
      case let it as BatchNormLayer:
        let (mean, variance) = (blobs[0][c] / blobs[2][0], blobs[1][c] / blobs[2][0])
        result = (a - mean) / (variance + Double(it.epsilon)).squareRoot()
      case let it as ScaleLayer: result = blobs[0][c] * a + (it.hasShift ? blobs[1][c] : 0)
      default: preconditionFailure("\(layer.name) has no slow twin")
      }
      output.values[i] = Float(result)
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
      guard layer.hasParameters else { continue }
      let limit =
        (6 / Float(layer.weightsPerOutput)).squareRoot() / (layer.input == .data ? inputScale : 1)
      parameters[layer.name] = LayerParameters(
        layer.parameters.enumerated().map { number, part in
          let range: ClosedRange<Float> =
            switch (part.name, part.shape.count) {
            case ("weight", 2...): -limit...limit
            case ("weight", _): 0.5...1.5
            case ("running_var", _): 1...4
            case ("scale_factor", _): 3...3
            default: -0.1...0.1
            }
          return StoredFloats(
            SlowKernels.random(part.count, seed: UInt64(100 * number + seed), in: range))
        })
    }
    return parameters
  }
}
