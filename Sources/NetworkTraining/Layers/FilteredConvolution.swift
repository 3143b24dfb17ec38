internal import Tensors

/// A convolution of maps without frames by minimal filtering, for weights that change.
///
/// Forward it is the layer itself; backward, from the outputs' gradient to the inputs', it is a
/// convolution with the filters turned round and inputs and outputs exchanged.
final class FilteredConvolution: Sendable {
  private let convolution: WinogradConvolution
  /// Maps with the frame that is read, of each thread; empty where none is needed.
  private let frames: [FloatBuffer]
  private let weights: FloatBuffer
  private let shape: ConvolutionShape
  private let isBackward: Bool

  /// Images that share a walk through the weights.
  private static let slots = 16
  /// Multiply-adds of an image from which on it is worth its rounding errors, as in the engine.
  private static let worthwhile = 16 << 20

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
    _ shape: ConvolutionShape, _ size: PlaneSize, isBackward: Bool, threads: Int,
    _ kernels: NetworkKernels
  ) {
    let output = shape.outputSize(size.height, size.width)
    let cost = output.area * shape.outputs * shape.weightsPerOutput
    let padding = max(shape.padding.height, shape.padding.width)
    guard cost >= Self.worthwhile,
      let convolution = WinogradConvolution(
        shape,
        from: MapLayout(
          channels: shape.channels, height: size.height, width: size.width, padding: padding),
        to: MapLayout(channels: shape.outputs, height: output.height, width: output.width),
        slots: Self.slots, biases: [Float](repeating: 0, count: shape.outputs), kernels: kernels)
    else { return nil }
    (self.convolution, self.shape, self.isBackward) = (convolution, shape, isBackward)
    let framed = padding == 0 ? 0 : Self.slots * convolution.input.count
    frames = (0..<threads).map { _ in FloatBuffer(count: framed) }
    weights = FloatBuffer(count: shape.outputs * shape.weightsPerOutput)
  }

  /// Takes the layer's weights, its outputs × places × channels of a group.
  func pack(_ layer: FloatBuffer, _ machine: Machine) {
    precondition(layer.count == weights.count, "weights of another shape")
    let kernels = machine.kernels
    let places = shape.kernelSize.area
    // The layer's outputs and channels of a group.
    let (outputs, channels) =
      isBackward
      ? (shape.channels, shape.outputsPerGroup) : (shape.outputs, shape.channelsPerGroup)
    let perGroup = outputs / shape.groups
    machine.team.forEach(outputs) { output, _ in
      let start = output * places * channels
      guard isBackward else {
        kernels.transpose(
          BufferPart(layer, at: start, count: places * channels), leadingDimension: channels,
          rows: places, columns: channels,
          into: BufferPart(weights, at: start, count: places * channels), leadingDimension: places)
        return
      }
      // What the layer's channel had of its output at a place, the output now has of the channel, at
      // the place turned round.
      let (group, own) = output.quotientAndRemainder(dividingBy: perGroup)
      for place in 0..<places {
        let first = (group * channels * perGroup + own) * places + places - 1 - place
        kernels.transpose(
          BufferPart(layer, at: start + place * channels, count: channels),
          leadingDimension: channels, rows: 1, columns: channels,
          into: BufferPart(weights, at: first, count: (channels - 1) * perGroup * places + 1),
          leadingDimension: perGroup * places)
      }
    }
    let length = shape.weightsPerOutput
    machine.team.forEach(convolution.panelCount) { panel, _ in
      let outputs = convolution.outputs(ofPanel: panel)
      weights.withSpan(outputs.lowerBound * length..<outputs.upperBound * length) {
        convolution.pack(panel: panel, $0)
      }
    }
  }

  /// Convolves images' maps, which lie one after the other, on the team.
  func run(_ count: Int, from input: FloatBuffer, to output: FloatBuffer, _ machine: Machine) {
    let threads = machine.team.threadCount
    // As many images at once as there is memory for, and yet something for every thread.
    let step = min(Self.slots, max(1, (count + threads - 1) / threads))
    let workspaces = machine.workspaces
    machine.team.forEach((count + step - 1) / step) { index, worker in
      let images = index * step..<min((index + 1) * step, count)
      let maps = images.map { framed($0, slot: $0 - images.lowerBound, input, frames[worker]) }
      let transformed = workspaces[worker].buffer(.transformed, convolution.transformedFloats)
      let sums = workspaces[worker].buffer(.sums, convolution.sumFloats)
      let outputCount = convolution.output.count
      for strip in 0..<convolution.stripCount {
        for (slot, map) in maps.enumerated() {
          convolution.transform(map, strip: strip, to: transformed, slot: slot)
        }
        for pass in 0..<convolution.passCount {
          convolution.run(
            pass: pass, strip: strip, count: maps.count, of: { maps[$0] }, from: transformed,
            sums: sums, rectify: false,
            into: {
              FeatureMap(
                output, at: (images.lowerBound + $0) * outputCount, convolution.output)
            })
        }
      }
    }
  }

  /// An image's map with the frame that the convolution reads.
  private func framed(
    _ image: Int, slot: Int, _ input: FloatBuffer, _ frames: FloatBuffer
  ) -> FeatureMap {
    let layout = convolution.input
    let count = layout.activationCount
    if layout.padding == 0 { return FeatureMap(input, at: image * count, layout) }
    let length = layout.width * layout.channels
    let start = slot * layout.count
    for y in 0..<layout.height {
      BufferPart(frames, at: start + layout.origin + y * layout.pitch, count: length)
        .copy(from: BufferPart(input, at: image * count + y * length, count: length))
    }
    return FeatureMap(frames, at: start, layout)
  }
}
