internal import CKernels

/// A convolution of stride 1 by minimal filtering, with its weights transformed and packed.
///
/// The map is cut into tiles that fit it exactly. A tile's inputs are transformed, to a number for each
/// point; each point has a product over the input channels, with a row for each tile; and the sums at
/// all points are transformed to the tile's outputs (Lavin and Gray 2015; see `winograd.h`).
/// A tile's arithmetic depends on the layer alone: neither on other tiles nor on other images. The
/// more slots are in use, the more rows share a walk through the weights. A large map with few
/// weights is taken in strips of tiles instead, so that what lies between the steps stays in the
/// second cache. Groups are products of their own.
package final class WinogradConvolution: Convolution {
  package let input: MapLayout
  package let output: MapLayout
  package let slots: Int
  let scheme: WinogradScheme
  private let kernels: NetworkKernels
  let shape: ConvolutionShape
  let panels: OutputPanels
  private let rowCut: WinogradScheme.Cut
  private let columnCut: WinogradScheme.Cut
  /// [group][pass][point][panel of the pass][channels][PW].
  let weights: FloatBuffer
  /// [group][panel][PW].
  private let biases: FloatBuffer
  private let strips: [WinogradStrip]

  /// Outputs that share a walk along the points: their sums fit the second cache.
  private static let outputsPerPass = 64
  /// Tiles of a strip, about: with few weights, which are read anew for every strip, what lies between
  /// the steps stays in the second cache; with many, a strip has to be worth reading them.
  private static let (smallStrip, largeStrip) = (44, 128)
  /// Most bytes of weights that are few.
  private static let fewWeights = 1 << 20

  /// A convolution without weights; `pack` has to be called for every panel before it runs.
  ///
  /// Nil when no scheme fits the sizes, or the channels of a group are no multiple of 16.
  ///
  /// - Parameters:
  ///   - slots: most images at a time.
  ///   - biases: one an output channel.
  /// - Precondition: `input`'s frame is at least as wide as the padding, and the sizes agree.
  package init?(
    _ shape: ConvolutionShape, from input: MapLayout, to output: MapLayout, slots: Int,
    biases: [Float], kernels: NetworkKernels
  ) {
    guard let scheme = WinogradScheme(for: shape, height: output.height, width: output.width) else {
      return nil
    }
    precondition(
      slots > 0 && biases.count == shape.outputs && shape.fits(from: input, to: output),
      "shapes that do not belong to one convolution")
    self.input = input
    self.output = output
    self.slots = slots
    self.scheme = scheme
    self.kernels = kernels
    self.shape = shape
    let (width, depth) = (shape.outputsPerGroup, shape.channelsPerGroup)
    let panels = OutputPanels(of: shape, width: kernels.panelWidth(columns: width))
    self.panels = panels
    let (rowCut, columnCut) = (scheme.cut(output.height)!, scheme.cut(output.width)!)
    (self.rowCut, self.columnCut) = (rowCut, columnCut)

    weights = FloatBuffer(
      count: panels.count * scheme.points * scheme.points * depth * panels.width)
    self.biases = FloatBuffer(count: panels.count * panels.width)
    for group in 0..<shape.groups {
      self.biases.replace(
        from: group * panels.perGroup * panels.width,
        with: Array(biases[group * width..<(group + 1) * width]))
    }
    let height =
      slots == 1
      ? Self.stripHeight(rowCut, columnCut, weightBytes: 4 * weights.count) : rowCut.tiles
    strips = Swift.stride(from: 0, to: rowCut.tiles, by: height).map { start in
      WinogradStrip(
        tileRows: start..<min(start + height, rowCut.tiles), of: rowCut, columnCut, slots: slots,
        inputStep: depth, outputStep: panels.width)
    }
  }

  /// Lines of tiles of a strip.
  private static func stripHeight(
    _ rowCut: WinogradScheme.Cut, _ columnCut: WinogradScheme.Cut, weightBytes: Int
  ) -> Int {
    let hasFew = weightBytes <= fewWeights
    let (tiles, most) = (rowCut.tiles * columnCut.tiles, hasFew ? smallStrip : largeStrip)
    // A little more than a strip is not worth a second one of the rest.
    if !hasFew && 2 * tiles <= 3 * most { return rowCut.tiles }
    return max(1, min(rowCut.tiles, (most + columnCut.tiles / 2) / columnCut.tiles))
  }

  /// A scheme fits a convolution that makes a map of this size.
  package static func fits(_ shape: ConvolutionShape, height: Int, width: Int) -> Bool {
    WinogradScheme(for: shape, height: height, width: width) != nil
  }

  package var stripCount: Int { strips.count }
  /// Tiles of an image in a strip; the last strip may have fewer.
  private var tileCount: Int { strips[0].tileRows.count * columnCut.tiles }

  var depth: Int { shape.channelsPerGroup }
  var panelsPerPass: Int { max(1, Self.outputsPerPass / panels.width) }
  private var passesPerGroup: Int { (panels.perGroup + panelsPerPass - 1) / panelsPerPass }
  private var pointCount: Int { scheme.points * scheme.points }

  /// Floats from point to point, an odd number of cache lines: a tile's points, written one after
  /// the other, would otherwise fall into the same few places of the caches.
  private static func step(_ count: Int) -> Int { 16 * ((count + 15) / 16 | 1) }
  private var inputStep: Int { Self.step(slots * tileCount * depth) }
  private var outputStep: Int { Self.step(slots * tileCount * panels.width) }

  package var transformedFloats: Int { shape.groups * pointCount * inputStep }
  package var sumFloats: Int { panelsPerPass * pointCount * outputStep }

  private func tiling(_ strip: WinogradStrip) -> decaf_tiling {
    decaf_tiling(
      scheme: scheme.number, rows: strip.tileRows.count,
      large_rows: strip.tileRows.clamped(to: 0..<rowCut.large).count,
      columns: columnCut.tiles, large_columns: columnCut.large, channels: depth,
      panel_width: panels.width, input_step: inputStep, output_step: outputStep,
      panel_step: pointCount * outputStep)
  }

  /// The output's lines that a number of lines of tiles amounts to, from the top.
  private func lines(ofTileRows count: Int) -> Int {
    count * (scheme.outputs - 1) + min(count, rowCut.large)
  }

  private func firstLine(_ strip: WinogradStrip) -> Int {
    lines(ofTileRows: strip.tileRows.lowerBound)
  }

  package func lines(ofStrip strip: Int) -> Range<Int> {
    let rows = strips[strip].tileRows
    return lines(ofTileRows: rows.lowerBound)..<lines(ofTileRows: rows.upperBound)
  }

  /// The panels of a group's pass, counted within the group.
  func panels(ofPass pass: Int) -> Range<Int> {
    pass * panelsPerPass..<min((pass + 1) * panelsPerPass, panels.perGroup)
  }

  /// Where the weights of a pass begin.
  func weightStart(group: Int, pass: Int) -> Int {
    (group * panels.perGroup + pass * panelsPerPass) * pointCount * depth * panels.width
  }

  package var panelCount: Int { panels.count }

  package func outputs(ofPanel panel: Int) -> Range<Int> { panels.outputs(of: panel) }

  package func pack(panel: Int, _ values: Span<Float>) {
    let count = outputs(ofPanel: panel).count
    precondition(values.count == count * shape.weightsPerOutput, "weights of another shape")
    let (group, local) = panel.quotientAndRemainder(dividingBy: panels.perGroup)
    let (pass, place) = local.quotientAndRemainder(dividingBy: panelsPerPass)
    let panelFloats = depth * panels.width
    values.withUnsafeBufferPointer {
      decaf_winograd_weights(
        scheme.number, $0.baseAddress!, count, depth, panels.width,
        weights.base + weightStart(group: group, pass: pass) + place * panelFloats,
        panels(ofPass: pass).count * panelFloats)
    }
  }

  /// Transforms the inputs of a strip of an image's tiles to its slot.
  package func transform(_ map: FeatureMap, strip: Int, to transformed: FloatBuffer, slot: Int) {
    precondition(map.layout == input, "a map of another layout")
    precondition(
      slot >= 0 && slot < slots && transformed.count >= transformedFloats, "no such slot")
    let strip = strips[strip]
    var tiling = tiling(strip)
    let corner = input.corner(padding: shape.padding) + firstLine(strip) * input.pitch
    for group in 0..<shape.groups {
      kernels.table.pointee.winograd_inputs(
        &tiling, map.buffer.base + map.start + corner + group * depth, input.pitch,
        input.channels,
        transformed.base + group * pointCount * inputStep + slot * tileCount * depth)
    }
  }

  package var passCount: Int { shape.groups * passesPerGroup }

  package func run(
    pass: Int, strip: Int, count: Int, of maps: (_ slot: Int) -> FeatureMap,
    from transformed: FloatBuffer, sums: FloatBuffer, rectify: Bool,
    into output: (_ slot: Int) -> FeatureMap
  ) {
    multiply(pass: pass, strip: strip, count: count, from: transformed, sums: sums)
    let strip = strips[strip]
    var tiling = tiling(strip)
    let (group, local) = pass.quotientAndRemainder(dividingBy: passesPerGroup)
    let chosen = panels(ofPass: local)
    for slot in 0..<count {
      let map = output(slot)
      precondition(map.layout == self.output, "a map of another layout")
      for panel in chosen {
        let outputs = panels.outputs(of: group * panels.perGroup + panel)
        kernels.table.pointee.winograd_outputs(
          &tiling,
          sums.base + (panel - chosen.lowerBound) * pointCount * outputStep
            + slot * tileCount * panels.width,
          biases.base + (group * panels.perGroup + panel) * panels.width,
          map.origin + firstLine(strip) * self.output.pitch + outputs.lowerBound,
          self.output.pitch, self.output.channels, outputs.count, rectify ? 1 : 0)
      }
    }
  }

  /// The products of a pass alone: what `run` begins with.
  package func multiply(
    pass: Int, strip: Int, count: Int, from transformed: FloatBuffer, sums: FloatBuffer
  ) {
    precondition(pass >= 0 && pass < passCount && count >= 0 && count <= slots, "no such pass")
    precondition(
      transformed.count >= transformedFloats && sums.count >= sumFloats, "too small buffers")
    if count == 0 { return }
    var tiling = tiling(strips[strip])
    let (group, local) = pass.quotientAndRemainder(dividingBy: passesPerGroup)
    strips[strip].withRows(slots: count, of: slots) {
      kernels.table.pointee.winograd_products(
        &tiling, transformed.base + group * pointCount * inputStep,
        weights.base + weightStart(group: group, pass: local), panels(ofPass: local).count, $0,
        sums.base)
    }
  }

  /// Multiply-adds of an image's products: a row's at each of its tile's points, times all outputs.
  package var multiplyAdds: Int {
    func points(_ cut: WinogradScheme.Cut) -> Int {
      cut.tiles * (scheme.points - 1) + cut.large
    }
    return points(rowCut) * points(columnCut) * depth * shape.outputs
  }
}
