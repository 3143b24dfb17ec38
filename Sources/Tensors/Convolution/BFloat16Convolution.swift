internal import CKernels

/// A convolution of stride 1 as products of bfloat16 numbers, straight from its definition.
///
/// The input is rounded to bfloat16 as it is packed, the weights when they are; sums and biases are
/// float. Every output is one sum in an order that the layer fixes, so it depends on its own inputs
/// alone. A product's rows are pixels of a line; its columns are the output channels of a pass.
package final class BFloat16Convolution: Convolution {
  package let input: MapLayout
  package let output: MapLayout
  package let slots: Int
  private let kernels: BFloat16Kernels
  private let shape: ConvolutionShape
  private let kernelSize: Int
  private let panels: OutputPanels
  /// [group][panel][line of the filter][step][half of the panel][pair of terms][output][term].
  private let weights: FloatBuffer
  private let biases: FloatBuffer
  private let stripHeight: Int

  /// Lines of a strip where one image is taken at a time: what lies between the steps stays in the
  /// second cache.
  private static let cutHeight = 14

  /// A convolution without weights; `pack` has to be called for every panel before it runs.
  ///
  /// Nil when there is a stride or a dilation, filters are not square, or the channels of a group are no multiple of 16.
  ///
  /// - Parameters:
  ///   - slots: most images at a time.
  ///   - biases: one an output channel.
  /// - Precondition: `input`'s frame is at least as wide as the padding, and the sizes agree.
  package init?(
    _ shape: ConvolutionShape, from input: MapLayout, to output: MapLayout, slots: Int,
    biases: [Float], kernels: BFloat16Kernels
  ) {
    guard let kernelSize = shape.denseKernelSize, shape.channelsPerGroup % 16 == 0 else {
      return nil
    }
    precondition(
      slots > 0 && biases.count == shape.outputs && shape.fits(from: input, to: output),
      "shapes that do not belong to one convolution")
    self.input = input
    self.output = output
    self.slots = slots
    self.kernels = kernels
    self.shape = shape
    self.kernelSize = kernelSize
    panels = OutputPanels(of: shape, width: Int(DECAF_BFLOAT16_OUTPUTS))
    self.biases = FloatBuffer(count: biases.count)
    self.biases.replace(from: 0, with: biases)
    stripHeight = slots == 1 ? min(Self.cutHeight, output.height) : output.height
    var strip = Self.strip(
      of: shape, kernelSize: kernelSize, height: stripHeight, width: output.width)
    weights = FloatBuffer(count: panels.count * decaf_bfloat16_weight_count(&strip) / 2)
  }

  package var stripCount: Int { (output.height + stripHeight - 1) / stripHeight }

  package func lines(ofStrip strip: Int) -> Range<Int> {
    strip * stripHeight..<min((strip + 1) * stripHeight, output.height)
  }

  /// A group's convolution that computes `height` lines.
  private static func strip(
    of shape: ConvolutionShape, kernelSize: Int, height: Int, width: Int
  ) -> decaf_bfloat16_convolution {
    decaf_bfloat16_convolution(
      height: height, width: width, kernel_size: kernelSize,
      channels: shape.channelsPerGroup)
  }

  private func strip(height: Int) -> decaf_bfloat16_convolution {
    Self.strip(of: shape, kernelSize: kernelSize, height: height, width: output.width)
  }

  private var weightCount: Int {
    withUnsafePointer(to: strip(height: stripHeight)) { decaf_bfloat16_weight_count($0) }
  }

  /// Numbers of a group's packed strip, whole cache lines.
  private var mapCount: Int {
    withUnsafePointer(to: strip(height: stripHeight)) {
      (decaf_bfloat16_map_count($0) + 31) / 32 * 32
    }
  }

  package var panelCount: Int { panels.count }
  package var passCount: Int { panelCount }

  package func outputs(ofPanel panel: Int) -> Range<Int> { panels.outputs(of: panel) }

  package func pack(panel: Int, _ values: Span<Float>) {
    let count = outputs(ofPanel: panel).count
    precondition(values.count == count * shape.weightsPerOutput, "weights of another shape")
    let start = weights.halves + panel * weightCount
    values.withUnsafeBufferPointer { values in
      withUnsafePointer(to: strip(height: stripHeight)) {
        decaf_bfloat16_pack_weights($0, values.baseAddress!, count, start)
      }
    }
  }

  package var transformedFloats: Int { slots * shape.groups * mapCount / 2 }
  package var sumFloats: Int { 0 }

  /// Where a slot's group begins in the packed inputs.
  private func packed(_ buffer: FloatBuffer, slot: Int, group: Int) -> UnsafeMutablePointer<UInt16>
  {
    buffer.halves + (slot * shape.groups + group) * mapCount
  }

  package func transform(_ map: FeatureMap, strip: Int, to packed: FloatBuffer, slot: Int) {
    precondition(map.layout == input, "a map of another layout")
    precondition(slot >= 0 && slot < slots && packed.count >= transformedFloats, "no such slot")
    let lines = lines(ofStrip: strip)
    let corner = input.corner(padding: shape.padding) + lines.lowerBound * input.pitch
    for group in 0..<shape.groups {
      withUnsafePointer(to: self.strip(height: lines.count)) {
        kernels.table.pointee.pack_map(
          $0, map.buffer.base + map.start + corner + group * shape.channelsPerGroup, input.pitch,
          input.channels,
          self.packed(packed, slot: slot, group: group))
      }
    }
  }

  package func run(
    pass: Int, strip: Int, count: Int, of maps: (_ slot: Int) -> FeatureMap,
    from packed: FloatBuffer, sums: FloatBuffer, rectify: Bool,
    into output: (_ slot: Int) -> FeatureMap
  ) {
    precondition(pass >= 0 && pass < passCount && count >= 0 && count <= slots, "no such pass")
    precondition(packed.count >= transformedFloats, "too small a buffer")
    if count == 0 { return }
    let lines = lines(ofStrip: strip)
    let outputs = outputs(ofPanel: pass)
    let first = lines.lowerBound * self.output.pitch + outputs.lowerBound
    var convolution = self.strip(height: lines.count)
    withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>?.self, capacity: count) {
      targets in
      for slot in 0..<count {
        let map = output(slot)
        precondition(map.layout == self.output, "a map of another layout")
        targets.initializeElement(at: slot, to: map.origin + first)
      }
      kernels.table.pointee.convolve(
        &convolution, self.packed(packed, slot: 0, group: pass / panels.perGroup),
        shape.groups * mapCount,
        count, weights.halves + pass * weightCount, biases.base + outputs.lowerBound, outputs.count,
        targets.baseAddress!, self.output.pitch, self.output.channels, rectify ? 1 : 0)
    }
  }
}
