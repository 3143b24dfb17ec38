internal import Tensors

/// Convolution of every group of channels with filters of its own, plus a bias an output channel:
/// `b[o][y][x] = bias[o] + Σ w[o][c][v][u] · a[c][stride·y + v − padding][stride·x + u − padding]`.
///
/// Weights are `outputs × inputs/groups × kernelSize × kernelSize`.
struct ConvolutionLayer: LayerKind {
  let outputs: Int
  let kernelSize: Int
  var stride = 1
  var padding = 0
  var groups = 1

  static let caffe = CaffeLayerType(
    "Convolution", v1Number: 4, settings: .init(field: 106, v1Field: 10, packed: 3...6))

  var caffeSettings: [CaffeSetting] {
    [
      // The weights' shape tells it too, and is what is checked.
      CaffeSetting("outputs", [1], outputs, default: 0, .written),
      CaffeSetting("padding", [3, 9, 10], padding, default: 0),
      CaffeSetting("kernel size", [4, 11, 12], kernelSize, default: 0),
      CaffeSetting("groups", [5], groups, default: 1),
      CaffeSetting("stride", [6, 13, 14], stride, default: 1),
      CaffeSetting("dilation", [18], 1, default: 1, .checked),
    ]
  }

  private func shape(channels: Int) -> ConvolutionShape {
    ConvolutionShape(
      channels: channels, outputs: outputs, kernelSize: kernelSize, stride: stride,
      padding: padding, groups: groups)
  }

  /// Rounded down: windows that do not fit are left out.
  func outputShape(from input: BlobShape) -> BlobShape {
    let shape = shape(channels: input.channels)
    return BlobShape(outputs, input.height, input.width).mapSides(shape.outputSide)
  }

  func weightShape(from input: BlobShape) -> [Int]? {
    [outputs, input.channels / groups, kernelSize, kernelSize]
  }

  var inputPadding: Int { padding }
  var canRectify: Bool { true }

  /// With a stride of 4, conv1 reads each pixel for few of its outputs, and minimal filtering, which
  /// saves by what neighbouring outputs share, would save nothing. Blocks of 4 × 4 pixels taken as the
  /// 48 channels of one make it a convolution of stride 1 and 3 × 3 weights: 11 padded with a line of
  /// zeros to 12 = 3 · 4. Such an input is written as it will be read, so folding costs nothing.
  func inputFolding(_ input: MapLayout, output: BlobShape) -> SpaceToDepth? {
    guard stride > 1, padding == 0, groups == 1 else { return nil }
    return SpaceToDepth(
      input, kernelSize: kernelSize, stride: stride, outputs: (output.height, output.width))
  }

  /// Most pixels of a map whose convolution wants several images at once: one alone has too few rows
  /// for the products to make reading the weights worth while.
  private static let smallMap = 400

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    let from = planner.map(of: layer.input)
    let to = planner.addMap(layer.output)
    let folding = layer.input == .data ? planner.inputFolding : nil
    let isSmall = layer.outputShape.height * layer.outputShape.width <= Self.smallMap
    let convolution = makeConvolution(
      layer, from: planner.layouts[from], to: planner.layouts[to], folding,
      slots: isSmall ? EnginePlan.chunkSize : 1, planner)
    guard let convolution else {
      preconditionFailure("\(layer.name): every convolution of the architectures there are fits")
    }
    pack(layer, into: convolution, folding, planner)
    planner.append(
      ConvolutionStep(
        layer: layer.name, convolution: convolution, from: from, to: to,
        rectify: planner.isRectified(layer)))
  }

  /// The convolution without its weights; nil when its sizes do not fit the way it is computed.
  private func makeConvolution(
    _ layer: NetworkDefinition.Layer, from input: MapLayout, to output: MapLayout,
    _ folding: SpaceToDepth?, slots: Int, _ planner: EnginePlanner
  ) -> (any Convolution)? {
    let biases = planner.network.storedParameters(layer.name).biases.floats()
    let unfolded = shape(channels: layer.inputShape.channels)
    let shape = folding?.fold(unfolded) ?? unfolded
    // The first filters' sums nearly cancel on smooth images: rounded pixels would show in all layers.
    if layer.input != .data, let kernels = planner.kernels.bfloat16 {
      return BFloat16Convolution(
        shape, from: input, to: output, slots: slots, biases: biases, kernels: kernels)
    }
    return WinogradConvolution(
      shape, from: input, to: output, slots: slots, biases: biases, kernels: planner.kernels.float)
  }

  /// Has the team read the layer's weights, panel by panel, and pack them.
  private func pack(
    _ layer: NetworkDefinition.Layer, into convolution: any Convolution, _ folding: SpaceToDepth?,
    _ planner: EnginePlanner
  ) {
    let network = planner.network
    planner.team.forEach(convolution.panelCount) { panel, _ in
      network.withWeights(layer.name, outputs: convolution.outputs(ofPanel: panel)) { weights in
        if let folding {
          convolution.pack(panel: panel, folding.fold(weights).span)
        } else {
          convolution.pack(panel: panel, weights)
        }
      }
    }
  }
}
