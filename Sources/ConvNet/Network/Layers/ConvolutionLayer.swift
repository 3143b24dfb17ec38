internal import Formats
internal import Tensors

/// Convolution of every group of channels with filters of its own, perhaps plus a bias an output
/// channel: `b[o][y][x] = bias[o] + Σ w[o][c][v][u] · a[c][stride·y + dilation·v − padding][…x…u…]`.
///
/// Weights are `outputs × inputs/groups × kernel height × kernel width`.
struct ConvolutionLayer: LayerKind {
  let outputs: Int
  let kernelSize: PlaneSize
  var stride: PlaneSize = 1
  var padding: PlaneSize = 0
  var dilation: PlaneSize = 1
  var groups = 1
  var hasBias = true

  static let caffe = CaffeLayerType(
    "Convolution", v1Number: 4,
    settings: .init("convolution_param", field: 106, v1Field: 10, repeated: [3...6, 18...18]))

  init(
    outputs: Int, kernelSize: PlaneSize, stride: PlaneSize = 1, padding: PlaneSize = 0,
    dilation: PlaneSize = 1, groups: Int = 1, hasBias: Bool = true
  ) {
    (self.outputs, self.kernelSize, self.stride) = (outputs, kernelSize, stride)
    (self.padding, self.dilation) = (padding, dilation)
    (self.groups, self.hasBias) = (groups, hasBias)
  }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    outputs = try settings.requiredSize("num_output")
    hasBias = try settings.flag("bias_term", default: true)
    guard let size = try settings.plane("kernel_size", axes: ("kernel_h", "kernel_w")) else {
      throw settings.error("kernel_size is missing")
    }
    kernelSize = size
    stride = try settings.plane("stride", axes: ("stride_h", "stride_w")) ?? 1
    padding = try settings.plane("pad", axes: ("pad_h", "pad_w"), from: 0) ?? 0
    dilation = try settings.plane("dilation") ?? 1
    groups = try settings.size("group") ?? 1
    try settings.require("axis", "1")
    settings.ignore("weight_filler", "bias_filler", "engine", "force_nd_im2col")
    guard outputs % groups == 0 else {
      throw settings.error("group: expected a divisor of \(outputs) outputs, found \(groups)")
    }
  }

  var caffeSettings: [CaffeSetting] {
    // The weights' shape tells it too, and is what is checked.
    [CaffeSetting("outputs", [1], outputs, default: 0, .written)]
      + [
        CaffeSetting("biases", [2], hasBias ? 1 : 0, default: 1, hasBias ? .checked : .both)
      ]
      + CaffeSetting.plane("padding", 3, axes: (9, 10), padding, default: 0)
      + CaffeSetting.plane("kernel size", 4, axes: (11, 12), kernelSize, default: 0)
      + [CaffeSetting("groups", [5], groups, default: 1)]
      + CaffeSetting.plane("stride", 6, axes: (13, 14), stride, default: 1)
      + CaffeSetting.plane(
        "dilation", 18, axes: nil, dilation, default: 1, dilation == 1 ? .checked : .both)
  }

  private func shape(channels: Int) -> ConvolutionShape {
    ConvolutionShape(
      channels: channels, outputs: outputs, kernelSize: kernelSize, stride: stride,
      padding: padding, dilation: dilation, groups: groups)
  }

  func problem(with input: BlobShape, isFlat: Bool) -> String? {
    if let problem = problemOfPlane(isFlat: isFlat) { return problem }
    guard input.channels % groups == 0 else {
      return "group: expected a divisor of \(input.channels) channels, found \(groups)"
    }
    let shape = shape(channels: input.channels)
    let size = shape.outputSize(input.height, input.width)
    guard size.height > 0 && size.width > 0 else {
      return "a filter of \(kernelSize) does not fit a map of \(input.height)×\(input.width)"
    }
    return shape.weightsPerOutput * outputs <= Int(Int32.max)
      ? nil : "more than \(Int32.max) weights"
  }

  /// Rounded down: windows that do not fit are left out.
  func outputShape(from input: BlobShape) -> BlobShape {
    let size = shape(channels: input.channels).outputSize(input.height, input.width)
    return BlobShape(outputs, size.height, size.width)
  }

  func parameters(from input: BlobShape) -> [ParameterShape] {
    [
      ParameterShape(
        "weight", [outputs, input.channels / groups, kernelSize.height, kernelSize.width])
    ] + (hasBias ? [ParameterShape("bias", [outputs])] : [])
  }

  func multiplyAdds(from input: BlobShape) -> Int {
    outputShape(from: input).count * shape(channels: input.channels).weightsPerOutput
  }

  var inputPadding: Int { max(padding.height, padding.width) }

  /// Minimal filtering is worth its rounding errors, ten times those of the definition: of small layers
  /// all the time that it saves is nothing.
  ///
  /// - Parameter multiplyAdds: of an image.
  static func isWorthFiltering(_ multiplyAdds: Int) -> Bool { multiplyAdds >= 16 << 20 }

  /// With a stride of 4, conv1 reads each pixel for few of its outputs, and minimal filtering, which
  /// saves by what neighbouring outputs share, would save nothing. Blocks of 4 × 4 pixels taken as the
  /// 48 channels of one make it a convolution of stride 1 and 3 × 3 weights: 11 padded with a line of
  /// zeros to 12 = 3 · 4. Such an input is written as it will be read, so folding costs nothing. Where
  /// minimal filtering does not fit what comes of it, nothing is gained.
  func inputFolding(_ layout: MapLayout, output: BlobShape) -> SpaceToDepth? {
    let input = BlobShape(layout.channels, layout.height, layout.width)
    let folding = SpaceToDepth(
      layout, for: shape(channels: input.channels),
      outputs: PlaneSize(output.height, output.width))
    guard Self.isWorthFiltering(multiplyAdds(from: input)) else { return nil }
    return folding.flatMap {
      WinogradConvolution.fits($0.folded, height: output.height, width: output.width)
        ? $0 : nil
    }
  }

  func operation(from input: BlobShape) -> LayerOperation {
    .convolution(shape(channels: input.channels))
  }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendConvolution(layer, shape(channels: layer.inputShape.channels))
  }
}
