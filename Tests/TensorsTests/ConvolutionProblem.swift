import TestSupport
import Testing

@testable import Tensors

/// A convolution of stride 1 with random weights, and what its tests do with it.
struct ConvolutionProblem {
  struct Size: Sendable, CustomTestStringConvertible {
    let channels: Int
    let height: Int
    let width: Int
    let outputs: Int
    let kernelSize: Int
    let groups: Int
    /// What the frame is narrower than half the filter.
    var unpadded = 0
    var padding: Int { kernelSize / 2 - unpadded }
    var testDescription: String {
      "\(channels)×\(height)×\(width)→\(outputs), \(kernelSize)+\(padding), \(groups) groups"
    }
  }

  let size: Size
  let shape: ConvolutionShape
  var weights: [Float]
  let biases: [Float]
  let input: MapLayout
  let output: MapLayout

  init(_ size: Size) {
    self.size = size
    shape = ConvolutionShape(
      channels: size.channels, outputs: size.outputs, kernelSize: PlaneSize(size.kernelSize),
      padding: PlaneSize(size.padding), groups: size.groups)
    weights = SlowKernels.random(
      size.outputs * size.channels / size.groups * size.kernelSize * size.kernelSize, seed: 2)
    biases = SlowKernels.random(size.outputs, seed: 3)
    // Frames wider than need be.
    input = MapLayout(
      channels: size.channels, height: size.height + 2 * size.unpadded,
      width: size.width + 2 * size.unpadded, padding: size.padding + 1)
    output = MapLayout(
      channels: size.outputs, height: size.height, width: size.width, padding: 2)
  }

  func image(_ seed: UInt64) -> SlowKernels.Map {
    SlowKernels.Map(random: seed, input.channels, input.height, input.width)
  }

  func map(_ image: SlowKernels.Map) -> FeatureMap {
    let map = FeatureMap(input)
    map.setChannelsFirst(image.values.span)
    return map
  }

  /// The outputs by explicit loops.
  func expected(_ image: SlowKernels.Map) -> [Float] {
    SlowKernels.convolve(
      image, weights: weights, biases: biases, kernelSize: size.kernelSize, stride: 1,
      padding: size.padding, groups: size.groups
    ).values
  }

  func pack(_ convolution: any Convolution) {
    let width = weights.count / size.outputs
    for panel in 0..<convolution.panelCount {
      let outputs = convolution.outputs(ofPanel: panel)
      convolution.pack(
        panel: panel,
        weights.span.extracting(outputs.lowerBound * width..<outputs.upperBound * width))
    }
  }

  /// The outputs of images; frames stay zero, and what buffers held before does not show.
  func run(
    _ convolution: any Convolution, images: [SlowKernels.Map], rectify: Bool = false
  ) -> [[Float]] {
    pack(convolution)
    let transformed = FloatBuffer(count: convolution.transformedFloats)
    let sums = FloatBuffer(count: convolution.sumFloats)
    for buffer in [transformed, sums] {
      buffer.replace(from: 0, with: [Float](repeating: .nan, count: buffer.count))
    }
    let outputs = images.map { _ in FeatureMap(output) }
    let maps = images.map(map)
    for strip in 0..<convolution.stripCount {
      for (slot, map) in maps.enumerated() {
        convolution.transform(map, strip: strip, to: transformed, slot: slot)
      }
      for pass in 0..<convolution.passCount {
        convolution.run(
          pass: pass, strip: strip, count: images.count, of: { maps[$0] }, from: transformed,
          sums: sums, rectify: rectify, into: { outputs[$0] })
      }
    }
    return outputs.map { map in
      let values = FloatBuffer(count: output.activationCount)
      map.copyChannelsFirst(to: values, at: 0)
      let all = map.buffer.floats(0..<output.count)
      #expect(
        all.count { $0 != 0 } == values.floats(0..<values.count).count { $0 != 0 },
        "the frame was written")
      return values.floats(0..<values.count)
    }
  }
}
