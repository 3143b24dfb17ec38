internal import CKernels

/// Any convolution, straight from its definition, as products of float numbers.
///
/// A product's rows are pixels of the output, its columns the output channels of a pass, its depth
/// the filter's places and channels. Where a filter's line, or a place's channels, are long enough, rows
/// are read where they lie in the map; else windows are copied first. Every sum is one chain of
/// multiply-adds in the order line, place, channel of the filter, whichever way: it depends on its own
/// window alone.
package final class DirectConvolution: Convolution {
  package let input: MapLayout
  package let output: MapLayout
  package let slots: Int
  private let kernels: NetworkKernels
  private let shape: ConvolutionShape
  private let panels: OutputPanels
  /// Windows are copied to rows, and one segment follows the other; else rows lie in the map.
  private let isCopied: Bool
  /// Where the stretches of a row begin.
  private let segments: [Int32]
  private let segmentLength: Int
  /// [panel][segment][PW].
  private let weights: FloatBuffer
  /// [panel][PW].
  private let biases: FloatBuffer
  private let stripHeight: Int

  /// Pixels of a strip, about: their sums of a pass stay in the second cache.
  private static let stripPixels = 768
  /// Floats of a segment below which a product would spend its time on the sums' way to memory and
  /// back, and the most, so that a panel's part of it fits a cache.
  private static let shortSegment = 16
  private static let longSegment = 512

  /// A convolution without weights; `pack` has to be called for every panel before it runs.
  ///
  /// - Parameters:
  ///   - slots: most images at a time.
  ///   - biases: one an output channel.
  /// - Precondition: `input`'s frame is at least as wide as the padding, and the sizes agree.
  package init(
    _ shape: ConvolutionShape, from input: MapLayout, to output: MapLayout, slots: Int,
    biases: [Float], kernels: NetworkKernels
  ) {
    precondition(
      slots > 0 && biases.count == shape.outputs && shape.fits(from: input, to: output),
      "shapes that do not belong to one convolution")
    self.input = input
    self.output = output
    self.slots = slots
    self.kernels = kernels
    self.shape = shape
    panels = OutputPanels(
      of: shape, width: kernels.panelWidth(columns: shape.outputsPerGroup))
    let inPlace = Self.segmentsInPlace(shape, of: input)
    isCopied = inPlace == nil
    (segments, segmentLength) = inPlace ?? Self.segmentsOfCopy(shape)
    weights = FloatBuffer(
      count: panels.count * segments.count * segmentLength * panels.width)
    self.biases = FloatBuffer(count: panels.count * panels.width)
    for panel in 0..<panels.count {
      self.biases.replace(
        from: panel * panels.width, with: Array(biases[panels.outputs(of: panel)]))
    }
    stripHeight = max(1, min(output.height, Self.stripPixels / output.width))
  }

  /// A filter's line is one stretch of the map: neighbouring pixels with all their channels.
  private static func isWhole(_ shape: ConvolutionShape) -> Bool {
    shape.groups == 1 && shape.dilation.width == 1
  }

  /// A row's stretches in the map; nil when they are too short, or no multiple of what a kernel takes
  /// at once.
  private static func segmentsInPlace(
    _ shape: ConvolutionShape, of input: MapLayout
  ) -> (starts: [Int32], length: Int)? {
    let isWhole = isWhole(shape)
    let stretch = (isWhole ? shape.kernelSize.width : 1) * shape.channelsPerGroup
    guard stretch % 4 == 0, stretch >= shortSegment else { return nil }
    let length = parts(of: stretch)
    let starts = (0..<shape.kernelSize.height).flatMap { v in
      (0..<(isWhole ? 1 : shape.kernelSize.width)).flatMap { u in
        stride(from: 0, to: stretch, by: length).map { k in
          Int32(
            v * shape.dilation.height * input.pitch + u * shape.dilation.width * input.channels + k)
        }
      }
    }
    return (starts, length)
  }

  /// A row's stretches where windows are copied: filled up with zeros to equal lengths.
  private static func segmentsOfCopy(_ shape: ConvolutionShape) -> (starts: [Int32], length: Int) {
    let depth = shape.weightsPerOutput
    let count = (depth + longSegment - 1) / longSegment
    let length = ((depth + count - 1) / count + 3) / 4 * 4
    return ((0..<count).map { Int32($0 * length) }, length)
  }

  /// The longest length up to `longSegment`, a multiple of 4, of which `stretch` is a multiple; or all
  /// of it.
  private static func parts(of stretch: Int) -> Int {
    let lengths = stride(from: longSegment, to: shortSegment - 1, by: -4)
    return stretch <= longSegment ? stretch : lengths.first { stretch % $0 == 0 } ?? stretch
  }

  /// Floats of a row: the filter's weights, with the zeros that fill it up.
  private var depth: Int { segments.count * segmentLength }

  package var stripCount: Int { (output.height + stripHeight - 1) / stripHeight }

  package func lines(ofStrip strip: Int) -> Range<Int> {
    strip * stripHeight..<min((strip + 1) * stripHeight, output.height)
  }

  package var panelCount: Int { panels.count }
  package var passCount: Int { panels.count }
  package func outputs(ofPanel panel: Int) -> Range<Int> { panels.outputs(of: panel) }

  package func pack(panel: Int, _ values: Span<Float>) {
    let count = outputs(ofPanel: panel).count
    precondition(values.count == count * shape.weightsPerOutput, "weights of another shape")
    values.withUnsafeBufferPointer {
      decaf_pack_filters(
        $0.baseAddress!, count, shape.channelsPerGroup, shape.kernelSize.area, depth, panels.width,
        weights.base + panel * depth * panels.width)
    }
  }

  /// Floats of a slot's rows of all groups.
  private var rowFloats: Int { shape.groups * stripHeight * output.width * depth }
  package var transformedFloats: Int { isCopied ? slots * rowFloats : 0 }
  package var sumFloats: Int { stripHeight * output.width * panels.width }

  /// Copies the windows of a strip of an image, if that is how they are read.
  package func transform(_ map: FeatureMap, strip: Int, to rows: FloatBuffer, slot: Int) {
    precondition(map.layout == input, "a map of another layout")
    guard isCopied else { return }
    precondition(slot >= 0 && slot < slots && rows.count >= transformedFloats, "no such slot")
    // A filter's line of neighbouring pixels is one place.
    let places = Self.isWhole(shape) ? 1 : shape.kernelSize.width
    var windows = decaf_windows(
      height: shape.kernelSize.height, width: places,
      step_y: shape.dilation.height * input.pitch, step_x: shape.dilation.width * input.channels,
      channels: shape.channelsPerGroup * (shape.kernelSize.width / places), row_length: depth)
    let lines = lines(ofStrip: strip)
    for group in 0..<shape.groups {
      for y in lines {
        let corner =
          input.corner(padding: shape.padding) + y * shape.stride.height * input.pitch
          + group * shape.channelsPerGroup
        let row = (group * stripHeight + y - lines.lowerBound) * output.width
        decaf_copy_windows(
          &windows, map.buffer.base + map.start + corner, output.width,
          shape.stride.width * input.channels,
          rows.base + slot * rowFloats + row * depth)
      }
    }
  }

  package func run(
    pass: Int, strip: Int, count: Int, of maps: (_ slot: Int) -> FeatureMap,
    from rows: FloatBuffer, sums: FloatBuffer, rectify: Bool,
    into output: (_ slot: Int) -> FeatureMap
  ) {
    precondition(pass >= 0 && pass < passCount && count >= 0 && count <= slots, "no such pass")
    precondition(rows.count >= transformedFloats && sums.count >= sumFloats, "too small buffers")
    let group = pass / panels.perGroup
    let lines = lines(ofStrip: strip)
    for slot in 0..<count {
      let (map, target) = (maps(slot), output(slot))
      precondition(
        map.layout == input && target.layout == self.output, "a map of another layout")
      let source =
        isCopied
        ? rows.base + slot * rowFloats + group * stripHeight * self.output.width * depth
        : map.buffer.base + map.start + input.corner(padding: shape.padding)
          + group * shape.channelsPerGroup + lines.lowerBound * shape.stride.height * input.pitch
      multiply(pass: pass, lines: lines, source, sums: sums, into: target, rectify: rectify)
    }
  }

  /// The products of a pass and an image.
  private func multiply(
    pass: Int, lines: Range<Int>, _ source: UnsafePointer<Float>, sums: FloatBuffer,
    into target: FeatureMap, rectify: Bool
  ) {
    let outputs = outputs(ofPanel: pass)
    let count = lines.count * output.width
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { places in
      for row in 0..<count {
        let (y, x) = row.quotientAndRemainder(dividingBy: output.width)
        let place =
          isCopied
          ? row * depth
          : y * shape.stride.height * input.pitch + x * shape.stride.width * input.channels
        places.initializeElement(at: row, to: Int32(place))
        places.initializeElement(
          at: count + row, to: Int32(y * output.pitch + x * output.channels))
      }
      var rows = decaf_rows(
        input_rows: places.baseAddress!, output_rows: places.baseAddress! + count, count: count)
      segments.withUnsafeBufferPointer { segments in
        var direct = decaf_direct(
          segments: segments.baseAddress!, segment_count: segments.count,
          segment_length: segmentLength, panel_width: panels.width)
        kernels.table.pointee.direct_products(
          &direct, source, weights.base + pass * depth * panels.width,
          biases.base + pass * panels.width, &rows, sums.base,
          target.origin + lines.lowerBound * output.pitch + outputs.lowerBound, outputs.count,
          rectify ? 1 : 0)
      }
    }
  }
}
