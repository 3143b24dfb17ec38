internal import Tensors

/// Convolution, as a product of the pixels that windows look at with the weights.
///
/// Weights lie in memory as outputs × places × channels of a group. The gradient of the weights is
/// computed block by block, that of the input image by image.
final class TrainedConvolution: TrainedLayer {
  let name: String
  let parameters: [TrainedParameter]
  private let shape: ConvolutionShape
  private let grid: WindowGrid
  /// Of each group: weights as the second factor forward, depth × outputs, and backward, outputs ×
  /// depth.
  private let forwardWeights: [PackedMatrix<Float>]
  private let backwardWeights: [PackedMatrix<Float>]
  /// By minimal filtering where that saves much; nil for the products above.
  private let filter: FilteredConvolution?
  private let gradientFilter: FilteredConvolution?
  private let weightFilter: FilteredGradient?
  /// Of each block, the gradients of weights and of biases.
  private let blockWeights: FloatBuffer
  private let blockBiases: FloatBuffer

  /// - Parameters:
  ///   - rates: of the weights, and of the biases where there are some; nil for what is not learned.
  ///   - blockCapacity: blocks that a rank has, at most.
  init(
    name: String, _ shape: ConvolutionShape, height: Int, width: Int, hasBias: Bool,
    rates: [ParameterRates?], blockCapacity: Int, threads: Int, kernelClass: KernelClass
  ) {
    (self.name, self.shape) = (name, shape)
    grid = WindowGrid(
      height: height, width: width, channels: shape.channels,
      output: shape.outputSize(height, width), kernelSize: shape.kernelSize, stride: shape.stride,
      padding: shape.padding, dilation: shape.dilation)
    let weights = TrainedParameter(
      layer: name, name: "weight",
      shape: [
        shape.outputs, shape.channelsPerGroup, shape.kernelSize.height, shape.kernelSize.width,
      ], filter: (shape.channelsPerGroup, shape.kernelSize.area), rates: rates[0])
    parameters =
      [weights]
      + (hasBias
        ? [
          TrainedParameter(layer: name, name: "bias", shape: [shape.outputs], rates: rates[1])
        ] : [])
    forwardWeights = (0..<shape.groups).map { _ in PackedMatrix() }
    backwardWeights = (0..<shape.groups).map { _ in PackedMatrix() }
    let (size, network) = (PlaneSize(height, width), NetworkKernels(kernelClass))
    filter = FilteredConvolution(forward: shape, size, threads: threads, kernels: network)
    gradientFilter = FilteredConvolution(backward: shape, size, threads: threads, kernels: network)
    weightFilter = FilteredGradient(
      shape, size, threads: threads, kernels: LayerKernels(kernelClass))
    blockWeights = FloatBuffer(count: weights.gradient.count * blockCapacity)
    blockBiases = FloatBuffer(count: shape.outputs * blockCapacity)
  }

  var inputCount: Int { grid.inputCount }
  var outputCount: Int { pixels * shape.outputs }
  private var pixels: Int { grid.output.area }
  /// Weights of an output.
  private var depth: Int { shape.weightsPerOutput }
  private var outputs: Int { shape.outputsPerGroup }
  private var weights: TrainedParameter { parameters[0] }
  private var biases: TrainedParameter? { parameters.dropFirst().first }

  var blockTerms: [BlockTerms] {
    zip(parameters, [blockWeights, blockBiases]).filter(\.0.isLearned).map {
      BlockTerms(terms: $1, sums: $0.gradient)
    }
  }

  private func channels(ofGroup group: Int) -> Range<Int> {
    group * shape.channelsPerGroup..<(group + 1) * shape.channelsPerGroup
  }

  private var outputLayout: (Int) -> MatrixLayout {
    { [shape] in
      MatrixLayout(leadingDimension: shape.outputs, offset: $0 * shape.outputsPerGroup)
    }
  }

  func prepare(_ machine: Machine) {
    let products = machine.products
    machine.team.forEach(2 * shape.groups) { index, _ in
      let (group, isBackward) = (index / 2, index % 2 == 1)
      if isBackward ? gradientFilter != nil : filter != nil { return }
      let part = BufferPart(weights.values, at: group * outputs * depth, count: outputs * depth)
      if isBackward {
        products.pack(
          part, MatrixLayout(leadingDimension: depth), depth: outputs, columns: depth,
          into: backwardWeights[group])
      } else {
        products.pack(
          part, MatrixLayout(leadingDimension: depth, isTransposed: true), depth: depth,
          columns: outputs, into: forwardWeights[group])
      }
    }
    filter?.pack(weights.values, machine)
    gradientFilter?.pack(weights.values, machine)
  }

  /// The image's outputs in pieces whose windows fit the second cache.
  private var pieces: [Range<Int>] {
    let length = max(12, (1 << 16) / depth / 12 * 12)
    return stride(from: 0, to: pixels, by: length).map { $0..<min($0 + length, pixels) }
  }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    let (products, kernels, workspaces) = (machine.products, machine.kernels, machine.workspaces)
    let pieces = pieces
    filter?.run(images.count, from: input, to: output, machine)
    machine.team.forEach(images.count) { image, worker in
      let (map, made) = (self.input(image, input), self.output(image, output))
      for group in filter == nil ? 0..<shape.groups : 0..<0 {
        for piece in pieces {
          let rows = workspaces[worker].part(.rows, piece.count * depth)
          kernels.gatherWindows(
            grid, of: map, channels: channels(ofGroup: group), outputs: piece, into: rows)
          var layout = outputLayout(group)
          layout.offset += piece.lowerBound * shape.outputs
          products.multiply(
            rows: piece.count, rows, MatrixLayout(leadingDimension: depth), forwardWeights[group],
            into: made, layout)
        }
      }
      if let biases {
        kernels.add(
          row: BufferPart(biases.values), toEachOf: pixels, made, leadingDimension: shape.outputs)
      }
    }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    if let biases, biases.isLearned {
      makeBiasGradients(images, outputGradient, machine)
    }
    if weights.isLearned {
      makeWeightGradients(images, input, outputGradient, machine)
    }
    if let inputGradient {
      makeInputGradient(images, outputGradient, into: inputGradient, machine)
    }
  }

  private func makeInputGradient(
    _ images: ImageSet, _ outputGradient: FloatBuffer, into inputGradient: FloatBuffer,
    _ machine: Machine
  ) {
    if let gradientFilter {
      return gradientFilter.run(images.count, from: outputGradient, to: inputGradient, machine)
    }
    let (products, kernels, workspaces) = (machine.products, machine.kernels, machine.workspaces)
    let pieces = pieces
    machine.team.forEach(images.count) { image, worker in
      let (gradient, made) = (
        self.input(image, inputGradient), self.output(image, outputGradient)
      )
      gradient.clear()
      for group in 0..<shape.groups {
        for piece in pieces {
          let rows = workspaces[worker].part(.rows, piece.count * depth)
          var layout = outputLayout(group)
          layout.offset += piece.lowerBound * shape.outputs
          products.multiply(
            rows: piece.count, made, layout, backwardWeights[group], into: rows,
            MatrixLayout(leadingDimension: depth))
          kernels.scatterWindows(
            grid, rows, channels: channels(ofGroup: group), outputs: piece, addingTo: gradient)
        }
      }
    }
  }

  private func makeBiasGradients(
    _ images: ImageSet, _ outputGradient: FloatBuffer, _ machine: Machine
  ) {
    let kernels = machine.kernels
    machine.team.forEach(images.blocks.count) { block, _ in
      var sums = [Double](repeating: 0, count: shape.outputs)
      for image in images.blocks[block] {
        kernels.addColumns(
          self.output(image, outputGradient), leadingDimension: shape.outputs, rows: pixels,
          to: &sums)
      }
      BufferPart(blockBiases, at: block * shape.outputs, count: shape.outputs)
        .set(sums.map { Float($0) })
    }
  }

  /// Channels that are multiplied at a time: their windows are a second factor that fits the cache.
  private var channelStep: Int {
    let most = max(1, 640 / shape.kernelSize.area)
    return most >= shape.channelsPerGroup ? shape.channelsPerGroup : max(1, most / 16 * 16)
  }

  private func makeWeightGradients(
    _ images: ImageSet, _ input: FloatBuffer, _ outputGradient: FloatBuffer, _ machine: Machine
  ) {
    if let weightFilter {
      for (number, block) in images.blocks.enumerated() {
        weightFilter.run(
          block, input: input, outputGradient: outputGradient,
          into: BufferPart(
            blockWeights, at: number * weights.gradient.count, count: weights.gradient.count),
          machine)
      }
      return
    }
    let starts = Array(stride(from: 0, to: shape.channelsPerGroup, by: channelStep))
    let count = images.blocks.count * shape.groups * starts.count
    let (products, kernels, workspaces) = (machine.products, machine.kernels, machine.workspaces)
    machine.team.forEach(count) { index, worker in
      let (block, rest) = index.quotientAndRemainder(dividingBy: shape.groups * starts.count)
      let (group, start) = rest.quotientAndRemainder(dividingBy: starts.count)
      let first = starts[start]
      let channels = first..<min(first + channelStep, shape.channelsPerGroup)
      multiply(
        images.blocks[block], group: group, channels: channels, input, outputGradient,
        products, kernels, workspaces[worker])
      let width = channels.count
      let term = workspaces[worker].part(.term, outputs * shape.kernelSize.area * width)
      let target = (block * shape.outputs + group * outputs) * depth + first
      // From outputs × places × some channels to their place among all channels.
      for row in 0..<outputs * shape.kernelSize.area {
        BufferPart(blockWeights, at: target + row * shape.channelsPerGroup, count: width)
          .copy(from: term.part(row * width..<(row + 1) * width))
      }
    }
  }

  /// Leaves in the workspace's term the sum over a block's images of the output's gradient, turned,
  /// times the windows of some channels: image by image, 256 pixels at a time.
  private func multiply(
    _ block: Range<Int>, group: Int, channels: Range<Int>, _ input: FloatBuffer,
    _ outputGradient: FloatBuffer, _ products: TrainingKernels, _ kernels: LayerKernels,
    _ workspace: Workspace
  ) {
    let columns = shape.kernelSize.area * channels.count
    let own = channels.lowerBound + group * shape.channelsPerGroup
    let term = workspace.part(.term, outputs * columns)
    let step = TrainingKernels.productSlab
    var isAdding = false
    for image in block {
      for first in stride(from: 0, to: pixels, by: step) {
        let piece = first..<min(first + step, pixels)
        let rows = workspace.part(.rows, piece.count * columns)
        kernels.gatherWindows(
          grid, of: self.input(image, input), channels: own..<own + channels.count,
          outputs: piece, into: rows)
        products.pack(
          rows, MatrixLayout(leadingDimension: columns), depth: piece.count, columns: columns,
          into: workspace.packed)
        let turned = workspace.part(.turned, outputs * piece.count)
        let start = image * outputCount + first * shape.outputs + group * outputs
        kernels.transpose(
          BufferPart(
            outputGradient, at: start, count: (piece.count - 1) * shape.outputs + outputs),
          leadingDimension: shape.outputs, rows: piece.count, columns: outputs, into: turned,
          leadingDimension: piece.count)
        products.multiply(
          rows: outputs, turned, MatrixLayout(leadingDimension: piece.count), workspace.packed,
          into: term, MatrixLayout(leadingDimension: columns), adding: isAdding)
        isAdding = true
      }
    }
  }
}
