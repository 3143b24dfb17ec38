internal import Tensors

/// Convolutions: the way each is computed, and what its weights take in of the layers behind it.
extension EnginePlanner {
  /// Images that a convolution takes at once: of small maps several, as one alone has too few rows for
  /// the products to make reading the weights worth while.
  private static func slots(_ shape: ConvolutionShape, pixels: Int) -> Int {
    if pixels <= 400 { return EnginePlan.chunkSize }
    let hasManyWeights = shape.outputs * shape.weightsPerOutput >= 1 << 20
    return pixels <= 800 && hasManyWeights ? EnginePlan.chunkSize / 2 : 1
  }

  /// Adds a convolution, with the layers behind it that scale channels as part of its weights.
  ///
  /// Whether the sums before them are wanted too must not show in the result: they get a convolution of
  /// their own.
  mutating func appendConvolution(
    _ layer: NetworkDefinition.Layer, _ shape: ConvolutionShape
  ) {
    let scalings = scalings(behind: layer)
    var scaling = ChannelScaling(channels: shape.outputs)
    var output = layer.output
    for next in scalings {
      if isWanted(output) {
        append(layer, shape, scalings.isEmpty ? nil : scaling, output: output, rectify: false)
        _ = rows(of: output)
      }
      scaling = scaling.followed(by: next.kind.scaling(network.storedParameters(next.name)))
      output = next.output
      noteFolded(next.name)
    }
    let rectify = rectifies(output)
    append(layer, shape, scalings.isEmpty ? nil : scaling, output: output, rectify: rectify)
  }

  private mutating func append(
    _ layer: NetworkDefinition.Layer, _ shape: ConvolutionShape, _ scaling: ChannelScaling?,
    output: BlobName, rectify: Bool
  ) {
    let from = map(of: layer.input)
    let to = addMap(output)
    let folding = layer.input == .data ? inputFolding : nil
    var biases = network.storedParameters(layer.name).biases(count: shape.outputs)
    if let scaling { biases = scaling.scaled(biases: biases) }
    let convolution = makeConvolution(
      folding?.folded ?? shape, of: layer, from: layouts[from], to: layouts[to], biases)
    pack(layer, into: convolution, folding, scaling)
    append(
      ConvolutionStep(
        layer: layer.name, convolution: convolution, from: from, to: to, rectify: rectify))
  }

  /// The convolution without its weights.
  private func makeConvolution(
    _ shape: ConvolutionShape, of layer: NetworkDefinition.Layer, from input: MapLayout,
    to output: MapLayout, _ biases: [Float]
  ) -> any Convolution {
    let slots = Self.slots(shape, pixels: output.height * output.width)
    // The first filters' sums nearly cancel on smooth images: rounded pixels would show in all layers.
    if layer.input != .data, let bfloat16 = kernels.bfloat16,
      let convolution = BFloat16Convolution(
        shape, from: input, to: output, slots: slots, biases: biases, kernels: bfloat16)
    {
      return convolution
    }
    if ConvolutionLayer.isWorthFiltering(layer.multiplyAdds),
      let convolution = WinogradConvolution(
        shape, from: input, to: output, slots: slots, biases: biases, kernels: kernels.float)
    {
      return convolution
    }
    return DirectConvolution(
      shape, from: input, to: output, slots: slots, biases: biases, kernels: kernels.float)
  }

  private static func pack(
    _ weights: Span<Float>, _ panel: Int, into convolution: any Convolution,
    _ folding: SpaceToDepth?
  ) {
    if let folding {
      convolution.pack(panel: panel, folding.fold(weights).span)
    } else {
      convolution.pack(panel: panel, weights)
    }
  }

  /// Has the team read the layer's weights, panel by panel, and pack them.
  private func pack(
    _ layer: NetworkDefinition.Layer, into convolution: any Convolution, _ folding: SpaceToDepth?,
    _ scaling: ChannelScaling?
  ) {
    let network = network
    team.forEach(convolution.panelCount) { panel, _ in
      let outputs = convolution.outputs(ofPanel: panel)
      network.withWeights(layer.name, outputs: outputs) { weights in
        guard let scaling else { return Self.pack(weights, panel, into: convolution, folding) }
        let scaled = scaling.scaled(
          weights, first: outputs.lowerBound, width: weights.count / outputs.count)
        Self.pack(scaled.span, panel, into: convolution, folding)
      }
    }
  }
}
