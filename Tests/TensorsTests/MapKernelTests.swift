import TestSupport
import Testing

@testable import Tensors

/// What is computed on maps: pooling, normalization, ReLU, and the order of channels.
@Suite struct MapKernelTests {
  /// A map of the twin's values in a frame, the frame's floats being zero.
  private func map(_ twin: SlowKernels.Map, padding: Int = 0) -> FeatureMap {
    let map = FeatureMap(
      MapLayout(
        channels: twin.channels, height: twin.height, width: twin.width, padding: padding))
    map.setChannelsFirst(twin.values.span)
    return map
  }

  private func values(_ map: FeatureMap) -> [Float] {
    let values = FloatBuffer(count: map.layout.activationCount)
    map.copyChannelsFirst(to: values, at: 0)
    return values.floats(0..<values.count)
  }

  /// The floats of the map's frame are all zero.
  private func frameIsZero(_ map: FeatureMap) -> Bool {
    var all = map.buffer.floats(map.start..<map.start + map.layout.count)
    for y in 0..<map.layout.height {
      let start = map.layout.origin + y * map.layout.pitch
      for i in 0..<map.layout.width * map.layout.channels { all[start + i] = 0 }
    }
    return all.allSatisfy { $0 == 0 }
  }

  @Test(arguments: KernelCase.all, [(3, 6, 3, 2), (17, 13, 3, 2), (40, 5, 2, 2), (8, 7, 3, 3)])
  func poolingAgreesWithItsTwin(
    _ kernel: KernelCase, _ it: (channels: Int, side: Int, size: Int, stride: Int)
  ) {
    let twin = SlowKernels.Map(random: 4, it.channels, it.side, it.side + 1)
    let expected = SlowKernels.maxPool(twin, size: it.size, stride: it.stride)
    let output = FeatureMap(
      MapLayout(
        channels: it.channels, height: expected.height, width: expected.width, padding: 1))
    kernel.kernels.run(
      "max_pool", map(twin, padding: 2), into: output,
      MapOptions(size: PlaneSize(it.size), stride: PlaneSize(it.stride)))
    #expect(values(output) == expected.values)
    #expect(frameIsZero(output))
  }

  @Test(arguments: KernelCase.all, [1, 2, 3, 4, 5, 17, 45, 96])
  func normalizationAgreesWithItsTwin(_ kernel: KernelCase, _ channels: Int) {
    let twin = SlowKernels.Map(random: 5, channels, 3, 4, in: -300...300)
    let expected = SlowKernels.normalize(twin, localSize: 5, alpha: 1e-4, k: 1)
    let output = FeatureMap(MapLayout(channels: channels, height: 3, width: 4, padding: 2))
    kernel.kernels.run(
      "normalize", map(twin, padding: 1), into: output, MapOptions(scale: 1e-4 / 5, k: 1))
    // The kernel's power is within 4.1e-7 of the exact one; its argument and the product round too.
    for (found, expected) in zip(values(output), expected.values) {
      #expect(abs(found - expected) <= 1e-6 * abs(expected))
    }
    #expect(frameIsZero(output))
  }

  @Test func normalizationIsTheSameInFusedClasses() {
    let twin = SlowKernels.Map(random: 6, 45, 5, 3, in: -300...300)
    let results = KernelCase.all.filter(\.isFused).map { kernel in
      let output = FeatureMap(MapLayout(channels: 45, height: 5, width: 3))
      kernel.kernels.run(
        "normalize", map(twin), into: output, MapOptions(scale: 1e-4 / 5, k: 1))
      return values(output)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test(arguments: KernelCase.all)
  func linesAreComputedAlone(_ kernel: KernelCase) {
    let twin = SlowKernels.Map(random: 6, 20, 9, 7)
    let input = map(twin)
    let pooled = FeatureMap(MapLayout(channels: 20, height: 4, width: 3))
    let normalized = FeatureMap(MapLayout(channels: 20, height: 9, width: 7))
    let windows = MapOptions(size: 3, stride: 2)
    kernel.kernels.run("max_pool", input, into: pooled, lines: 1..<3, windows)
    kernel.kernels.run(
      "normalize", input, into: normalized, lines: 1..<3, MapOptions(scale: 0.2, k: 1))
    for map in [pooled, normalized] {
      let line = map.layout.pitch
      let found = map.buffer.floats(0..<map.layout.count)
      let inside = found[line..<3 * line]
      #expect(inside.allSatisfy { $0 != 0 })
      #expect(found.count { $0 != 0 } == inside.count)
    }
    kernel.kernels.run("max_pool", input, into: pooled, windows)
    #expect(values(pooled) == SlowKernels.maxPool(twin, size: 3, stride: 2).values)
  }

  @Test func unknownKernelsAndWindowsBeyondTheMapAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let map = FeatureMap(MapLayout(channels: 4, height: 3, width: 3))
      NetworkKernels(.baseline).run("no_such", map, into: map, MapOptions())
    }
    await #expect(processExitsWith: .failure) {
      let input = FeatureMap(MapLayout(channels: 4, height: 3, width: 3))
      let output = FeatureMap(MapLayout(channels: 4, height: 3, width: 3))
      NetworkKernels(.baseline).run("max_pool", input, into: output, MapOptions(size: 3, stride: 2))
    }
  }

  @Test(arguments: KernelCase.all)
  func rectificationKeepsNaN(_ kernel: KernelCase) {
    var twin = SlowKernels.Map(random: 7, 21, 3, 5)
    twin[20, 2, 4] = .nan
    twin[3, 1, 1] = .nan
    twin[4, 1, 1] = -.infinity
    let map = map(twin, padding: 1)
    kernel.kernels.rectify(map)
    let found = values(map)
    for (found, before) in zip(found, twin.values) {
      #expect(before.isNaN ? found.isNaN : found == max(before, 0))
    }
    #expect(frameIsZero(map))
  }

  @Test(arguments: [
    (3, 23, 11, 4, 0), (2, 9, 3, 2, 0), (5, 8, 5, 3, 0), (3, 24, 11, 4, 2), (2, 9, 3, 2, 1),
    (1, 16, 5, 2, 2),
  ])
  func foldedConvolutionsAgreeWithTheirTwin(
    _ it: (channels: Int, side: Int, kernelSize: Int, stride: Int, padding: Int)
  ) throws {
    let twin = SlowKernels.Map(random: 9, it.channels, it.side, it.side + 1)
    let area = it.kernelSize * it.kernelSize
    let weights = SlowKernels.random(7 * it.channels * area, seed: 10)
    let biases = [Float](repeating: 0, count: 7)
    let expected = SlowKernels.convolve(
      twin, weights: weights, biases: biases, kernelSize: it.kernelSize, stride: it.stride,
      padding: it.padding, groups: 1)
    let folding = try #require(
      SpaceToDepth(
        MapLayout(channels: twin.channels, height: twin.height, width: twin.width),
        for: ConvolutionShape(
          channels: twin.channels, outputs: 7, kernelSize: PlaneSize(it.kernelSize),
          stride: PlaneSize(it.stride), padding: PlaneSize(it.padding)),
        outputs: PlaneSize(expected.height, expected.width)))
    let folded = FeatureMap(folding.output)
    let place = ImagePlace(folded, folding: folding)
    place.setChannelsFirst(twin.values.span)
    let back = FloatBuffer(count: twin.values.count)
    place.copyChannelsFirst(to: back, at: 0)
    #expect(back.floats(0..<back.count) == twin.values)
    // Line by line it is the same, on a map of its own shape too.
    let (lines, plain) = (FeatureMap(folding.output), FeatureMap(folding.input))
    let input = map(twin, padding: 0)
    for y in 0..<twin.height {
      let line = input.origin + y * input.layout.pitch
      ImagePlace(lines, folding: folding).setLine(y, line)
      ImagePlace(plain).setLine(y, line)
    }
    #expect(values(lines) == values(folded))
    #expect(values(plain) == twin.values)
    let found = SlowKernels.convolve(
      SlowKernels.Map(
        folding.output.channels, folding.output.height, folding.output.width, values(folded)),
      weights: folding.fold(weights.span), biases: biases, kernelSize: folding.kernelSize,
      stride: 1, padding: 0, groups: 1)
    // The same products in another order: up to 363 of them, rounded by 6e-8 each.
    for (found, expected) in zip(found.values, expected.values) {
      #expect(abs(found - expected) <= 2e-5)
    }
    #expect(found.values.count == expected.values.count)
  }

  @Test func channelsLastAndFirstAreInverse() {
    let twin = SlowKernels.Map(random: 8, 5, 4, 3)
    let map = map(twin, padding: 2)
    #expect(map.buffer[map.layout.origin + map.layout.pitch + 2 * 5 + 4] == twin[4, 1, 2])
    #expect(values(map) == twin.values)
    #expect(frameIsZero(map))
  }
}
