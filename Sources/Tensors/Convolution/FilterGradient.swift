internal import CKernels

/// The gradient of a convolution's weights by minimal filtering; see `training/filters.h`.
///
/// The map is cut into the tiles of `WinogradConvolution`. Inputs and outputs' gradients of some images
/// are transformed to a number for each point; each point has a product of outputs × tiles with tiles ×
/// channels, whose sums go on from one strip of images to the next; and the sums at all points are
/// transformed to a filter's gradient. A sum is one chain over the tiles, image after image, so that
/// neither strips nor passes show in the bits.
package final class FilterGradient: Sendable {
  package let input: MapLayout
  package let output: MapLayout
  /// Images that are transformed together.
  package let stripImages: Int
  private let scheme: WinogradScheme
  private let kernels: LayerKernels
  private let shape: ConvolutionShape
  private let rowCut: WinogradScheme.Cut
  private let columnCut: WinogradScheme.Cut
  private let chunks: [Chunk]
  private let passes: [Pass]
  /// Where tiles begin in their columns: of every tile, of the wide ones, the tall ones, and those that
  /// are both, image after image.
  private let tiles: [[Int32]]

  /// Outputs of a group, counted over all, whose gradients are transformed together.
  private struct Chunk {
    let group: Int
    let outputs: Range<Int>
    var passes: Range<Int>
  }

  /// Outputs of a chunk, counted within it, and channels of its group whose sums are walked through
  /// together.
  private struct Pass {
    let chunk: Int
    let outputs: Range<Int>
    let channels: Range<Int>
  }

  /// Tiles of a strip, about: three columns of inputs fit the first cache.
  private static let stripTiles = 150
  /// At most so many outputs of a chunk: what two ranks transform together fits the third cache.
  private static let chunkOutputs = 128
  /// At most so many outputs and channels of a pass: its sums fit the second cache.
  private static let (passOutputs, passChannels) = (32, 96)

  /// Nil when no scheme fits the sizes, or outputs or channels of a group are no multiple of 16.
  ///
  /// - Parameter images: that the gradient is summed over, at most.
  /// - Precondition: `input`'s frame is at least as wide as the padding, and the sizes agree.
  package init?(
    _ shape: ConvolutionShape, from input: MapLayout, to output: MapLayout, images: Int,
    kernels: LayerKernels
  ) {
    guard let scheme = WinogradScheme(for: shape, height: output.height, width: output.width),
      shape.outputsPerGroup % 16 == 0
    else { return nil }
    precondition(
      images > 0 && shape.fits(from: input, to: output),
      "shapes that do not belong to one convolution")
    (self.input, self.output, self.scheme, self.shape) = (input, output, scheme, shape)
    self.kernels = kernels
    let (rowCut, columnCut) = (scheme.cut(output.height)!, scheme.cut(output.width)!)
    (self.rowCut, self.columnCut) = (rowCut, columnCut)
    let mapTiles = rowCut.tiles * columnCut.tiles
    let stripImages = max(1, min(images, Self.stripTiles / mapTiles))
    self.stripImages = stripImages
    var (chunks, passes) = ([Chunk](), [Pass]())
    for group in 0..<shape.groups {
      let start = group * shape.outputsPerGroup
      for outputs in Self.parts(shape.outputsPerGroup, of: Self.chunkOutputs) {
        let first = passes.count
        for own in Self.parts(outputs.count, of: Self.passOutputs) {
          passes += Self.parts(shape.channelsPerGroup, of: Self.passChannels).map {
            Pass(chunk: chunks.count, outputs: own, channels: $0)
          }
        }
        chunks.append(
          Chunk(
            group: group, outputs: start + outputs.lowerBound..<start + outputs.upperBound,
            passes: first..<passes.count))
      }
    }
    (self.chunks, self.passes) = (chunks, passes)
    let width = kernels.table.pointee.filters.vector_width
    tiles = [(false, false), (false, true), (true, false), (true, true)].map { isTall, isWide in
      (0..<stripImages * mapTiles).filter { tile in
        let (row, column) = (tile % mapTiles).quotientAndRemainder(dividingBy: columnCut.tiles)
        return (!isTall || row < rowCut.large) && (!isWide || column < columnCut.large)
      }.map { Int32($0 * width) }
    }
  }

  private static func parts(_ count: Int, of size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  package var passCount: Int { passes.count }
  package var groupCount: Int { shape.groups }
  /// The chunks of a group's outputs, and the passes of a chunk.
  package func chunks(ofGroup group: Int) -> Range<Int> {
    let count = chunks.count / shape.groups
    return group * count..<(group + 1) * count
  }
  package func passes(ofChunk chunk: Int) -> Range<Int> { chunks[chunk].passes }
  private var mapTiles: Int { rowCut.tiles * columnCut.tiles }
  private var pointCount: Int { scheme.points * scheme.points }
  private var vectorWidth: Int { kernels.table.pointee.filters.vector_width }

  /// Floats from a vector of channels to the next.
  private var columnStep: Int { stripImages * mapTiles * vectorWidth }
  /// Floats from point to point, an odd number of cache lines, as in `WinogradConvolution`.
  private func pointStep(_ count: Int) -> Int { 16 * ((count + 15) / 16 | 1) }
  private func pointStep(channels: Int) -> Int {
    pointStep(channels / vectorWidth * columnStep)
  }

  private var mostOutputs: Int { min(Self.chunkOutputs, shape.outputsPerGroup) }

  /// What a group's transformed inputs of a strip take, a chunk's outputs' gradients, and a pass's sums.
  package var inputFloats: Int { pointCount * pointStep(channels: shape.channelsPerGroup) }
  package var deltaFloats: Int { pointCount * pointStep(channels: mostOutputs) }
  package var sumFloats: Int { pointCount * sumStep }
  private var sumStep: Int { pointStep(Self.passOutputs * Self.passChannels) }

  private func columns(_ channels: Int, pointStep: Int) -> decaf_tile_columns {
    decaf_tile_columns(
      scheme: scheme.number, rows: rowCut.tiles, large_rows: rowCut.large,
      columns: columnCut.tiles, large_columns: columnCut.large, channels: channels,
      point_step: pointStep, column_step: columnStep)
  }

  /// Transforms the channels of a group that the convolution read of an image of the strip.
  package func transform(
    input map: FeatureMap, group: Int, image: Int, to transformed: FloatBuffer
  ) {
    precondition(map.layout == input, "a map of another layout")
    precondition(
      image >= 0 && image < stripImages && transformed.count >= inputFloats, "no such image")
    let (count, corner) = (shape.channelsPerGroup, input.corner(padding: shape.padding))
    var columns = columns(count, pointStep: pointStep(channels: count))
    kernels.table.pointee.filters.inputs(
      &columns, map.buffer.base + map.start + corner + group * count, input.pitch,
      input.channels, transformed.base + image * mapTiles * vectorWidth)
  }

  /// Transforms the gradient of a chunk of what it made of the image.
  package func transform(
    delta map: FeatureMap, chunk: Int, image: Int, to transformed: FloatBuffer
  ) {
    precondition(map.layout == output, "a map of another layout")
    precondition(
      image >= 0 && image < stripImages && transformed.count >= deltaFloats, "no such image")
    let outputs = chunks[chunk].outputs
    var columns = columns(outputs.count, pointStep: pointStep(channels: mostOutputs))
    kernels.table.pointee.filters.deltas(
      &columns, map.origin + outputs.lowerBound, output.pitch, output.channels,
      transformed.base + image * mapTiles * vectorWidth)
  }

  /// The products of a pass over the first `images` of a strip, of which its group and its chunk have been
  /// transformed; added to its sums unless these are new.
  package func multiply(
    pass: Int, images: Int, inputs: FloatBuffer, deltas: FloatBuffer, sums: BufferPart,
    continues: Bool
  ) {
    precondition(images > 0 && images <= stripImages, "no such images")
    precondition(
      inputs.count >= inputFloats && deltas.count >= deltaFloats && sums.count >= sumFloats,
      "too small buffers")
    let pass = passes[pass]
    let (width, side) = (vectorWidth, scheme.points)
    let (inputStep, deltaStep) = (
      pointStep(channels: shape.channelsPerGroup), pointStep(channels: mostOutputs)
    )
    let input = pass.channels.lowerBound / width
    let output = pass.outputs.lowerBound / width
    for point in 0..<pointCount {
      // Only large tiles have the last point of an axis.
      let (row, column) = point.quotientAndRemainder(dividingBy: side)
      let kind = tiles[(row == side - 1 ? 2 : 0) + (column == side - 1 ? 1 : 0)]
      kernels.table.pointee.filters.products(
        deltas.base + point * deltaStep + output * columnStep, columnStep, pass.outputs.count,
        inputs.base + point * inputStep + input * columnStep, columnStep, pass.channels.count,
        kind, kind.count / stripImages * images, sums.base + point * sumStep,
        pass.channels.count, continues ? 1 : 0)
    }
  }

  /// The gradient of a pass's weights, outputs × places × channels of a group, from its sums.
  package func finish(pass: Int, sums: BufferPart, into gradient: BufferPart) {
    precondition(
      sums.count >= sumFloats && gradient.count == shape.outputs * shape.weightsPerOutput,
      "buffers of another size")
    let pass = passes[pass]
    let output = chunks[pass.chunk].outputs.lowerBound + pass.outputs.lowerBound
    kernels.table.pointee.filters.gradient(
      scheme.number, sums.base, sumStep, pass.channels.count, pass.outputs.count,
      pass.channels.count,
      gradient.base + output * shape.weightsPerOutput + pass.channels.lowerBound,
      shape.weightsPerOutput, shape.channelsPerGroup)
  }
}
