internal import Tensors

/// The gradient of a convolution's weights by minimal filtering, block by block.
final class FilteredGradient: Sendable {
  private let gradient: FilterGradient
  private let maps: FilteredMaps
  /// For each weight of an output its place among those of the folded convolution, and a block's
  /// gradient there; empty where there is no stride.
  private let foldedPlaces: [Int]
  private let folded: FloatBuffer

  /// Nil where no scheme fits, or there is little to save.
  ///
  /// - Parameters:
  ///   - shape: the layer's.
  ///   - size: height and width of what the layer reads.
  init?(_ shape: ConvolutionShape, _ size: PlaneSize, threads: Int, kernels: LayerKernels) {
    let output = shape.outputSize(size.height, size.width)
    guard FilteredConvolution.isWorthwhile(shape, size),
      let maps = FilteredMaps(shape, size, slots: 1, threads: threads),
      let gradient = FilterGradient(
        maps.shape, from: maps.layout,
        to: MapLayout(channels: shape.outputs, height: output.height, width: output.width),
        images: TrainedNetwork.blockImages, kernels: kernels)
    else { return nil }
    (self.gradient, self.maps) = (gradient, maps)
    foldedPlaces = maps.folding?.weightPlaces ?? []
    folded = FloatBuffer(
      count: maps.folding == nil ? 0 : shape.outputs * maps.shape.weightsPerOutput)
  }

  /// Sums the gradient over the images of a block, into outputs × places × channels of a group.
  ///
  /// The team works on one block at a time, whose transformed maps the third cache may hold.
  func run(
    _ block: Range<Int>, input: FloatBuffer, outputGradient: FloatBuffer, into target: BufferPart,
    _ machine: Machine
  ) {
    let inputs = machine.shared.buffer(.transformed, gradient.inputFloats)
    let deltas = machine.shared.buffer(.turned, gradient.deltaFloats)
    let isOneStrip = block.count <= gradient.stripImages
    let kept =
      isOneStrip ? nil : machine.shared.buffer(.sums, gradient.passCount * gradient.sumFloats)
    let whole = foldedPlaces.isEmpty ? target : BufferPart(folded)
    for group in 0..<gradient.groupCount {
      for first in stride(from: block.lowerBound, to: block.upperBound, by: gradient.stripImages) {
        let strip = first..<min(first + gradient.stripImages, block.upperBound)
        machine.team.forEach(strip.count) { image, worker in
          let map = maps.map(strip.lowerBound + image, of: input, slot: 0, thread: worker)
          gradient.transform(input: map, group: group, image: image, to: inputs)
        }
        for chunk in gradient.chunks(ofGroup: group) {
          transform(outputGradient, strip, chunk: chunk, to: deltas, machine)
          multiply(
            strip, of: block, chunk: chunk, inputs, deltas, kept: kept, into: whole, machine)
        }
      }
    }
    if !foldedPlaces.isEmpty { unfold(into: target) }
  }

  private func transform(
    _ outputGradient: FloatBuffer, _ strip: Range<Int>, chunk: Int, to deltas: FloatBuffer,
    _ machine: Machine
  ) {
    let count = gradient.output.count
    machine.team.forEach(strip.count) { image, _ in
      gradient.transform(
        delta: FeatureMap(
          outputGradient, at: (strip.lowerBound + image) * count, gradient.output),
        chunk: chunk, image: image, to: deltas)
    }
  }

  /// - Parameter kept: the sums of all passes, where a block has several strips.
  private func multiply(
    _ strip: Range<Int>, of block: Range<Int>, chunk: Int, _ inputs: FloatBuffer,
    _ deltas: FloatBuffer, kept: FloatBuffer?, into whole: BufferPart, _ machine: Machine
  ) {
    let (passes, workspaces) = (gradient.passes(ofChunk: chunk), machine.workspaces)
    machine.team.forEach(passes.count) { index, worker in
      let pass = passes.lowerBound + index
      let sums =
        kept.map { BufferPart($0, at: pass * gradient.sumFloats, count: gradient.sumFloats) }
        ?? workspaces[worker].part(.sums, gradient.sumFloats)
      gradient.multiply(
        pass: pass, images: strip.count, inputs: inputs, deltas: deltas, sums: sums,
        continues: strip.lowerBound > block.lowerBound)
      if strip.upperBound == block.upperBound {
        gradient.finish(pass: pass, sums: sums, into: whole)
      }
    }
  }

  /// What no weight of the layer belongs to is left out.
  private func unfold(into target: BufferPart) {
    let length = maps.shape.weightsPerOutput
    let values = folded.floats(0..<folded.count)
    target.set(
      (0..<maps.shape.outputs).flatMap { output in
        foldedPlaces.map { values[output * length + $0] }
      })
  }
}
