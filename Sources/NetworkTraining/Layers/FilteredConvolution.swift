internal import Tensors

/// A convolution of maps without frames by minimal filtering, for weights that change.
///
/// Forward it is the layer itself; backward, from the outputs' gradient to the inputs', it is a
/// convolution with the filters turned round and inputs and outputs exchanged.
final class FilteredConvolution: Sendable {
  private let convolution: WinogradConvolution
  private let maps: FilteredMaps
  private let isBackward: Bool
  /// Of each group, forward, places × channels × outputs: vectors of outputs are what is packed.
  private let turned: FloatBuffer
  /// Where there is a stride: weights of the folded convolution, outputs × places × channels, and for
  /// each weight of an output its place there.
  private let folded: FloatBuffer
  private let foldedPlaces: [Int]

  /// Images that share a walk through the weights: as many as have 3,000 pixels together, so that what
  /// two ranks transform fits the third cache, and at most so many.
  private static let (slotPixels, mostSlots) = (3_000, 16)
  /// Multiply-adds of an image from which on it is worth its rounding errors, as in the engine.
  static let worthwhile = 16 << 20

  static func isWorthwhile(_ shape: ConvolutionShape, _ size: PlaneSize) -> Bool {
    let output = shape.outputSize(size.height, size.width)
    return output.area * shape.outputs * shape.weightsPerOutput >= worthwhile
  }

  /// Nil where no scheme fits, or there is little to save.
  ///
  /// - Parameters:
  ///   - shape: the layer's.
  ///   - size: height and width of what the layer reads.
  convenience init?(
    forward shape: ConvolutionShape, _ size: PlaneSize, threads: Int, kernels: NetworkKernels
  ) {
    self.init(shape, size, isBackward: false, threads: threads, kernels)
  }

  /// As above, from the outputs' gradient to that of the inputs.
  convenience init?(
    backward shape: ConvolutionShape, _ size: PlaneSize, threads: Int, kernels: NetworkKernels
  ) {
    let (kernel, padding) = (shape.kernelSize, shape.padding)
    guard shape.stride == 1, shape.dilation == 1, padding.height < kernel.height,
      padding.width < kernel.width
    else { return nil }
    let turned = ConvolutionShape(
      channels: shape.outputs, outputs: shape.channels, kernelSize: kernel,
      padding: PlaneSize(
        kernel.height - 1 - padding.height, kernel.width - 1 - padding.width),
      groups: shape.groups)
    self.init(
      turned, shape.outputSize(size.height, size.width), isBackward: true, threads: threads,
      kernels)
  }

  private init?(
    _ layer: ConvolutionShape, _ size: PlaneSize, isBackward: Bool, threads: Int,
    _ kernels: NetworkKernels
  ) {
    let output = layer.outputSize(size.height, size.width)
    let slots = max(1, min(Self.slotPixels / max(output.area, 1), Self.mostSlots))
    guard Self.isWorthwhile(layer, size),
      let maps = FilteredMaps(layer, size, slots: slots, threads: threads),
      let convolution = WinogradConvolution(
        maps.shape, from: maps.layout,
        to: MapLayout(channels: layer.outputs, height: output.height, width: output.width),
        slots: slots, biases: [Float](repeating: 0, count: layer.outputs), kernels: kernels)
    else { return nil }
    (self.convolution, self.maps, self.isBackward) = (convolution, maps, isBackward)
    let count = maps.shape.outputs * maps.shape.weightsPerOutput
    turned = FloatBuffer(count: isBackward ? 0 : count)
    folded = FloatBuffer(count: maps.folding == nil ? 0 : count)
    foldedPlaces = maps.folding?.weightPlaces ?? []
  }

  /// Takes the layer's weights, its outputs × places × channels of a group.
  func pack(_ layer: FloatBuffer, _ machine: Machine) {
    let planes = isBackward ? backwardPlanes(layer) : forwardPlanes(layer, machine)
    let kernels = machine.kernels
    machine.team.forEach(convolution.panelCount) { panel, _ in
      convolution.pack(panel: panel, planes, kernels)
    }
  }

  /// What the layer's channel had of its output at a place, the output now has of the channel, at the
  /// place turned round: places are walked from the last to the first.
  private func backwardPlanes(_ layer: FloatBuffer) -> FilterPlanes {
    let (places, outputs) = (maps.shape.kernelSize.area, maps.shape.outputsPerGroup)
    return FilterPlanes(
      layer, start: (places - 1) * outputs,
      groupStep: maps.shape.channelsPerGroup * places * outputs, placeStep: -outputs,
      channelStep: places * outputs)
  }

  private func forwardPlanes(_ layer: FloatBuffer, _ machine: Machine) -> FilterPlanes {
    let (outputs, channels) = (maps.shape.outputsPerGroup, maps.shape.channelsPerGroup)
    let length = maps.shape.weightsPerOutput
    if !foldedPlaces.isEmpty { fold(layer) }
    let (source, kernels) = (foldedPlaces.isEmpty ? layer : folded, machine.kernels)
    machine.team.forEach(maps.shape.groups * maps.shape.kernelSize.area) { index, _ in
      let (group, place) = index.quotientAndRemainder(dividingBy: maps.shape.kernelSize.area)
      let start = group * outputs * length
      kernels.transpose(
        BufferPart(
          source, at: start + place * channels, count: (outputs - 1) * length + channels),
        leadingDimension: length, rows: outputs, columns: channels,
        into: BufferPart(
          turned, at: start + place * channels * outputs, count: channels * outputs),
        leadingDimension: outputs)
    }
    return FilterPlanes(
      turned, groupStep: outputs * length, placeStep: channels * outputs, channelStep: outputs)
  }

  private func fold(_ layer: FloatBuffer) {
    let length = maps.shape.weightsPerOutput
    layer.withSpan(0..<maps.shape.outputs * foldedPlaces.count) { weights in
      folded.withMutableSpan(0..<folded.count) { folded in
        for output in 0..<maps.shape.outputs {
          for (i, place) in foldedPlaces.enumerated() {
            folded[output * length + place] = weights[output * foldedPlaces.count + i]
          }
        }
      }
    }
  }

  /// Convolves images' maps, which lie one after the other, on the team.
  func run(_ count: Int, from input: FloatBuffer, to output: FloatBuffer, _ machine: Machine) {
    let threads = machine.team.threadCount
    // As many images at once as there is memory for, and yet something for every thread.
    let step = min(convolution.slots, max(1, (count + threads - 1) / threads))
    let workspaces = machine.workspaces
    machine.team.forEach((count + step - 1) / step) { index, worker in
      let images = index * step..<min((index + 1) * step, count)
      let inputs: [FeatureMap] = images.map { image in
        maps.map(image, of: input, slot: image - images.lowerBound, thread: worker)
      }
      let transformed = workspaces[worker].buffer(.transformed, convolution.transformedFloats)
      let sums = workspaces[worker].buffer(.sums, convolution.sumFloats)
      let outputCount = convolution.output.count
      for strip in 0..<convolution.stripCount {
        for (slot, map) in inputs.enumerated() {
          convolution.transform(map, strip: strip, to: transformed, slot: slot)
        }
        for pass in 0..<convolution.passCount {
          convolution.run(
            pass: pass, strip: strip, count: inputs.count, of: { inputs[$0] }, from: transformed,
            sums: sums, rectify: false,
            into: {
              FeatureMap(
                output, at: (images.lowerBound + $0) * outputCount, convolution.output)
            })
        }
      }
    }
  }
}
