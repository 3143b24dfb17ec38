internal import ConvNet
internal import Tensors

/// Makes the layers that train of a network's.
struct LayerBuilder {
  let plan: NetworkPlan
  let rank: Int
  let size: Int
  let threads: Int
  let kernelClass: KernelClass
  /// Images that a layer gets at a time, at most, and blocks.
  var imageCapacity: Int
  var blockCapacity: Int

  /// The layer, and dropout where it follows; nothing for one that changes nothing in training.
  func layers(of layer: NetworkDefinition.Layer) -> [any TrainedLayer] {
    let made = plain(layer).map { [$0] } ?? []
    let count = layer.outputShape.count
    let dropouts = plan.text.dropouts.enumerated().filter { $0.element.after == layer.name }
    return made
      + dropouts.filter { $0.element.ratio > 0 }.map { number, dropout in
        TrainedDropout(
          name: dropout.name, ratio: dropout.ratio,
          seed: plan.seed ^ (0x9E37_79B9_97F4_A7C1 &* UInt64(number + 1)), count: count)
      }
  }

  private func plain(_ layer: NetworkDefinition.Layer) -> (any TrainedLayer)? {
    let (input, name) = (layer.inputShape, layer.name)
    let rates = layer.parameterShapes.indices.map { plan.rates(name, part: $0) }
    let hasBias = rates.count > 1
    switch layer.operation {
    case .convolution(let shape):
      return TrainedConvolution(
        name: name, shape, height: input.height, width: input.width, hasBias: hasBias,
        rates: rates, blockCapacity: blockCapacity, threads: threads, kernelClass: kernelClass)
    case .innerProduct(let outputs):
      return TrainedInnerProduct(
        name: name, inputs: input.count, outputs: outputs, hasBias: hasBias, rates: rates,
        capacity: imageCapacity, rank: rank, size: size)
    case .maxPooling(let windows), .averagePooling(let windows):
      let grid = WindowGrid(
        height: input.height, width: input.width, channels: input.channels,
        output: PlaneSize(layer.outputShape.height, layer.outputShape.width),
        kernelSize: windows.kernelSize, stride: windows.stride, padding: windows.padding)
      return TrainedPooling(
        name: name, grid: grid, isMaximum: layer.operation == .maxPooling(windows),
        capacity: imageCapacity)
    case .normalization(let localSize, let alpha, let beta, let k):
      return TrainedNormalization(
        name: name,
        .init(channels: input.channels, localSize: localSize, alpha: alpha, beta: beta, k: k),
        count: input.count, capacity: imageCapacity)
    case .rectification(let slope):
      return TrainedRectification(name: name, slope: slope, count: input.count)
    case .learnedRectification(let isShared):
      return TrainedLearnedRectification(
        name: name, isShared: isShared, channels: input.channels, count: input.count,
        rates: rates[0], blockCapacity: blockCapacity)
    case .hyperbolicTangent:
      return TrainedSquashing(name: name, .hyperbolicTangent, count: input.count)
    case .sigmoid: return TrainedSquashing(name: name, .sigmoid, count: input.count)
    case .flattening, .dropout: return nil
    case .softmax, .channelScaling:
      preconditionFailure("\(name): a plan has no such layer")
    }
  }
}
