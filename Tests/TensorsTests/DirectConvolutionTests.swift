import TestSupport
import Testing

@testable import Tensors

@Suite struct DirectConvolutionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let height: Int
    let width: Int
    let shape: ConvolutionShape

    init(
      _ channels: Int, _ height: Int, _ width: Int, _ outputs: Int, _ kernelSize: PlaneSize,
      stride: PlaneSize = 1, padding: PlaneSize = 0, dilation: PlaneSize = 1, groups: Int = 1
    ) {
      (self.height, self.width) = (height, width)
      shape = ConvolutionShape(
        channels: channels, outputs: outputs, kernelSize: kernelSize, stride: stride,
        padding: padding, dilation: dilation, groups: groups)
    }

    var testDescription: String {
      "\(shape.channels)×\(height)×\(width)→\(shape.outputs), \(shape.kernelSize)/\(shape.stride)"
        + "+\(shape.padding), every \(shape.dilation), \(shape.groups) groups"
    }
  }

  /// Windows copied and read in place, by lines and by places; strips, panels and passes that are not
  /// full; filters and maps of one pixel; channels of every kind of multiple.
  static let cases = [
    Case(3, 23, 19, 10, 11, stride: 4), Case(3, 17, 18, 40, 7, stride: 2, padding: 1),
    Case(5, 9, 7, 33, 3, padding: 1), Case(16, 7, 11, 70, 3, padding: 1),
    Case(64, 7, 7, 50, 3, stride: 2, padding: 1), Case(48, 11, 9, 24, 5, padding: 2, groups: 2),
    Case(40, 6, 5, 36, 1), Case(9, 5, 5, 1, 1), Case(32, 12, 13, 16, 3, padding: 2, dilation: 2),
    Case(
      6, 10, 11, 9, PlaneSize(3, 5), stride: PlaneSize(2, 1), padding: PlaneSize(0, 2), groups: 3),
    Case(20, 8, 9, 12, PlaneSize(5, 1), padding: PlaneSize(2, 0), dilation: PlaneSize(1, 3)),
    Case(520, 3, 3, 17, 3, padding: 1), Case(16, 1, 1, 130, 1), Case(4, 40, 41, 3, 3, padding: 1),
    Case(200, 4, 4, 8, 3, padding: 1), Case(18, 5, 6, 6, 3, groups: 6),
  ]

  private func run(
    _ it: Case, _ kernels: NetworkKernels, images: [UInt64], slots: Int, rectify: Bool = false
  ) -> [[Float]] {
    let size = it.shape.outputSize(it.height, it.width)
    let frame = max(it.shape.padding.height, it.shape.padding.width)
    let input = MapLayout(
      channels: it.shape.channels, height: it.height, width: it.width, padding: frame + 1)
    let output = MapLayout(
      channels: it.shape.outputs, height: size.height, width: size.width, padding: 1)
    let convolution = DirectConvolution(
      it.shape, from: input, to: output, slots: slots, biases: Self.biases(it), kernels: kernels)
    let weights = Self.weights(it)
    for panel in 0..<convolution.panelCount {
      let outputs = convolution.outputs(ofPanel: panel)
      let width = it.shape.weightsPerOutput
      convolution.pack(
        panel: panel,
        weights.span.extracting(outputs.lowerBound * width..<outputs.upperBound * width))
    }
    let rows = FloatBuffer(count: convolution.transformedFloats)
    let sums = FloatBuffer(count: convolution.sumFloats)
    for buffer in [rows, sums] {
      buffer.replace(from: 0, with: [Float](repeating: .nan, count: buffer.count))
    }
    let maps = images.map { seed in
      let map = FeatureMap(input)
      map.setChannelsFirst(Self.image(it, seed).values.span)
      return map
    }
    let outputs = images.map { _ in FeatureMap(output) }
    for strip in 0..<convolution.stripCount {
      for (slot, map) in maps.enumerated() {
        convolution.transform(map, strip: strip, to: rows, slot: slot)
      }
      for pass in 0..<convolution.passCount {
        convolution.run(
          pass: pass, strip: strip, count: images.count, of: { maps[$0] }, from: rows, sums: sums,
          rectify: rectify, into: { outputs[$0] })
      }
    }
    return outputs.map { map in
      let values = FloatBuffer(count: output.activationCount)
      map.copyChannelsFirst(to: values, at: 0)
      return values.floats(0..<values.count)
    }
  }

  private static func image(_ it: Case, _ seed: UInt64) -> SlowKernels.Map {
    SlowKernels.Map(random: seed, it.shape.channels, it.height, it.width)
  }

  private static func weights(_ it: Case) -> [Float] {
    SlowKernels.random(it.shape.outputs * it.shape.weightsPerOutput, seed: 2)
  }

  private static func biases(_ it: Case) -> [Float] {
    SlowKernels.random(it.shape.outputs, seed: 3)
  }

  @Test(arguments: KernelCase.all, cases)
  func agreesWithTheTwin(_ kernel: KernelCase, _ it: Case) throws {
    let expected = SlowKernels.convolve(
      Self.image(it, 1), weights: Self.weights(it), biases: Self.biases(it), shape: it.shape
    ).values
    let found = run(it, kernel.kernels, images: [1], slots: 1)[0]
    try #require(found.count == expected.count)
    let largest = expected.map(abs).max()!
    // A chain of up to 4680 products, each rounded by at most 6e-8 of the sum so far.
    for (found, expected) in zip(found, expected) {
      #expect(abs(found - expected) <= 5e-6 * max(largest, 1))
    }
    let rectified = run(it, kernel.kernels, images: [1], slots: 1, rectify: true)[0]
    #expect(rectified == SlowKernels.rectify(found))
  }

  @Test(arguments: KernelCase.all)
  func anImageDoesNotDependOnTheOthersNorOnItsSlot(_ kernel: KernelCase) {
    for it in [Self.cases[1], Self.cases[3], Self.cases[5]] {
      let alone = run(it, kernel.kernels, images: [5], slots: 1)[0]
      let several = run(it, kernel.kernels, images: [1, 2, 5], slots: 4)
      #expect(several[2] == alone)
    }
  }

  @Test(arguments: cases)
  func fusedClassesAgreeBitForBit(_ it: Case) {
    let results = KernelCase.all.filter(\.isFused).map {
      run(it, $0.kernels, images: [9], slots: 1)
    }
    #expect(results.allSatisfy { $0 == results.first })
  }
}
