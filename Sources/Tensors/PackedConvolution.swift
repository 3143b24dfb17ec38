/// A convolution with its weights packed, for maps of one layout.
///
/// Every output pixel is a row of a product whose inputs are read where they lie, in the order
/// (kernel row, kernel column, channel). Groups are products of their own.
package final class PackedConvolution: Sendable {
  package let input: MapLayout
  package let output: MapLayout
  /// One a group.
  private let products: [PackedProduct]
  private let rows: ProductRows
  private let area: Int

  /// A convolution without weights; `pack` has to be called for every panel before it runs.
  ///
  /// - Parameter biases: one an output channel.
  /// - Precondition: `input`'s frame is at least `padding` wide, and the sizes agree.
  package init(
    from input: MapLayout, to output: MapLayout, kernelSize: Int, stride: Int, padding: Int,
    groups: Int, biases: [Float], kernels: Kernels
  ) {
    precondition(input.padding >= padding, "the map's frame is narrower than the padding")
    precondition(
      input.channels % groups == 0 && output.channels % groups == 0 && kernelSize > 0 && stride > 0
        && biases.count == output.channels
        && (output.height - 1) * stride + kernelSize <= input.height + 2 * padding
        && (output.width - 1) * stride + kernelSize <= input.width + 2 * padding,
      "shapes that do not belong to one convolution")
    self.input = input
    self.output = output
    area = kernelSize * kernelSize
    let corner = (input.padding - padding) * (input.pitch + input.channels)
    var inputs = [Int]()
    var outputs = [Int]()
    for y in 0..<output.height {
      for x in 0..<output.width {
        inputs.append(corner + y * stride * input.pitch + x * stride * input.channels)
        outputs.append(output.origin + y * output.pitch + x * output.channels)
      }
    }
    rows = ProductRows(inputs: inputs, outputs: outputs)

    let depth = input.channels / groups
    let segments: [Range<Int>] = (0..<kernelSize).flatMap { v in
      let line = v * input.pitch
      // Without groups a kernel row's pixels touch: they are one segment.
      return groups == 1
        ? [line..<line + kernelSize * depth]
        : (0..<kernelSize).map { u in
          line + u * input.channels..<line + u * input.channels + depth
        }
    }
    let width = output.channels / groups
    products = (0..<groups).map { group in
      PackedProduct(
        segments: segments, biases: Array(biases[group * width..<(group + 1) * width]),
        kernels: kernels)
    }
  }

  /// Pieces in which weights are packed, over all groups.
  package var panelCount: Int { products.count * products[0].panelCount }

  /// The output channels whose weights make up the panel.
  package func outputs(ofPanel panel: Int) -> Range<Int> {
    let (group, local) = panel.quotientAndRemainder(dividingBy: products[0].panelCount)
    let range = products[group].outputs(ofPanel: local)
    let first = group * products[0].outputs
    return first + range.lowerBound..<first + range.upperBound
  }

  /// Takes the weights of `outputs(ofPanel: panel)`, each `channels/groups × kernelSize ×
  /// kernelSize`; threads may do so for different panels at once.
  package func pack(panel: Int, _ values: Span<Float>) {
    let (group, local) = panel.quotientAndRemainder(dividingBy: products[0].panelCount)
    products[group].pack(panel: local, values, area: area)
  }

  /// Computes the output channels of `panels`, or all; `output`'s frame stays as it is.
  ///
  /// Threads may compute different panels at once.
  package func run(
    _ input: FeatureMap, into output: FeatureMap, panels: Range<Int>? = nil, rectify: Bool
  ) {
    precondition(
      input.layout == self.input && output.layout == self.output, "maps of another layout")
    let panels = panels ?? 0..<panelCount
    for (group, product) in products.enumerated() {
      let first = group * product.panelCount
      let local = panels.clamped(to: first..<first + product.panelCount)
      product.run(
        rows, from: input.buffer, at: input.start + group * (self.input.channels / products.count),
        into: output.buffer, at: output.start + group * product.outputs,
        panels: local.lowerBound - first..<local.upperBound - first, rectify: rectify)
    }
  }
}
