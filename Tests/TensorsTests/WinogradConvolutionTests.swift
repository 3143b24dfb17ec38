import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite struct WinogradConvolutionTests {
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

  /// All kinds of tiles and their neighbours, a last panel that is not full in any class, several
  /// passes, several strips of both kinds of tiles and the last not full.
  static let sizes = [
    Size(channels: 16, height: 13, width: 13, outputs: 33, kernelSize: 3, groups: 1),
    Size(channels: 32, height: 4, width: 5, outputs: 14, kernelSize: 3, groups: 2),
    Size(channels: 48, height: 9, width: 8, outputs: 150, kernelSize: 3, groups: 1, unpadded: 1),
    Size(channels: 16, height: 3, width: 11, outputs: 5, kernelSize: 5, groups: 1),
    Size(channels: 96, height: 7, width: 4, outputs: 70, kernelSize: 5, groups: 2),
    Size(channels: 16, height: 27, width: 6, outputs: 1, kernelSize: 5, groups: 1, unpadded: 2),
    Size(channels: 16, height: 48, width: 9, outputs: 20, kernelSize: 3, groups: 1),
  ]

  /// Of the largest output; a tenth of what the design allows. Both sides round chains of up to
  /// 1200 products, 6e-8 each time, and the transforms enlarge the one side's errors a few times.
  private static let tolerance: Float = 1e-5

  private struct Problem {
    let size: Size
    let weights: [Float]
    let biases: [Float]
    let input: MapLayout
    let output: MapLayout

    init(_ size: Size) {
      self.size = size
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

    func makeConvolution(_ kernels: Kernels, slots: Int) throws -> WinogradConvolution {
      let convolution = try #require(
        WinogradConvolution(
          from: input, to: output, kernelSize: size.kernelSize, stride: 1, padding: size.padding,
          groups: size.groups, slots: slots, biases: biases, kernels: kernels))
      let width = weights.count / size.outputs
      for panel in 0..<convolution.panelCount {
        let outputs = convolution.outputs(ofPanel: panel)
        convolution.pack(
          panel: panel,
          weights.span.extracting(outputs.lowerBound * width..<outputs.upperBound * width))
      }
      return convolution
    }

    /// The outputs of images with these seeds, in that many slots at least; frames stay zero.
    func run(
      _ kernels: Kernels, images: [UInt64], slots: Int, rectify: Bool = false
    ) throws -> [[Float]] {
      let convolution = try makeConvolution(kernels, slots: slots)
      let points = FloatBuffer(count: convolution.pointFloats)
      let sums = FloatBuffer(count: convolution.sumFloats)
      let outputs = images.map { _ in FeatureMap(output) }
      let maps = images.map { seed in
        let map = FeatureMap(input)
        map.setChannelsFirst(image(seed).values.span)
        return map
      }
      for strip in 0..<convolution.stripCount {
        for (slot, map) in maps.enumerated() {
          convolution.transform(map, strip: strip, to: points, slot: slot)
        }
        for pass in 0..<convolution.passCount {
          convolution.run(
            pass: pass, strip: strip, count: images.count, from: points, sums: sums,
            rectify: rectify
          ) { outputs[$0] }
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

  @Test(arguments: KernelCase.all, sizes)
  func agreesWithTheDirectConvolution(_ kernel: KernelCase, _ size: Size) throws {
    let problem = Problem(size)
    let expected = SlowKernels.convolve(
      problem.image(1), weights: problem.weights, biases: problem.biases,
      kernelSize: size.kernelSize, stride: 1, padding: size.padding, groups: size.groups
    ).values
    let largest = expected.map(abs).max()!
    let plain = try problem.run(kernel.kernels, images: [1], slots: 1)[0]
    try #require(plain.count == expected.count)
    for (found, expected) in zip(plain, expected) {
      #expect(abs(found - expected) <= Self.tolerance * largest)
    }
    let rectified = try problem.run(kernel.kernels, images: [1], slots: 1, rectify: true)[0]
    #expect(rectified == SlowKernels.rectify(plain))
  }

  @Test(arguments: KernelCase.all)
  func anImageDoesNotDependOnTheOthersNorOnItsSlot(_ kernel: KernelCase) throws {
    for size in [Self.sizes[1], Self.sizes[3]] {
      let problem = Problem(size)
      let alone = try problem.run(kernel.kernels, images: [5], slots: 1)[0]
      for (images, slots) in [([5, 6], 2), ([6, 7, 5], 5), ([1, 2, 3, 4, 6, 7, 5], 8)] {
        let found = try problem.run(kernel.kernels, images: images.map(UInt64.init), slots: slots)
        #expect(found[images.firstIndex(of: 5)!] == alone)
      }
    }
  }

  @Test(arguments: sizes)
  func fusedClassesAgreeBitForBit(_ size: Size) throws {
    let problem = Problem(size)
    let results = try KernelCase.all.filter(\.isFused).map {
      try problem.run($0.kernels, images: [9], slots: 1)
    }
    #expect(results.allSatisfy { $0 == results.first })
  }

  @Test func notANumberStaysInItsTiles() throws {
    let problem = Problem(Self.sizes[0])
    let kernels = Kernels(KernelClass.supported.last!)
    let convolution = try problem.makeConvolution(kernels, slots: 1)
    let points = FloatBuffer(count: convolution.pointFloats)
    let sums = FloatBuffer(count: convolution.sumFloats)
    let map = FeatureMap(problem.input)
    var image = problem.image(1)
    image[7, 2, 12] = .nan
    map.setChannelsFirst(image.values.span)
    let output = FeatureMap(problem.output)
    #expect(convolution.stripCount == 1)
    convolution.transform(map, strip: 0, to: points, slot: 0)
    for pass in 0..<convolution.passCount {
      convolution.run(
        pass: pass, strip: 0, count: 1, from: points, sums: sums, rectify: true
      ) { _ in output }
    }
    let values = FloatBuffer(count: problem.output.activationCount)
    output.copyChannelsFirst(to: values, at: 0)
    #expect(values[2 * 13 + 12].isNaN)
    #expect(!values[12 * 13].isNaN)
  }

  @Test func sizesThatNoTilesFitAreRefused() {
    for (channels, side, kernelSize, stride) in [
      (16, 7, 3, 1), (16, 5, 5, 1), (24, 13, 3, 1), (16, 13, 3, 2), (16, 13, 7, 1),
    ] {
      let padding = kernelSize / 2
      let outputSide = (side - 1) / stride + 1
      #expect(
        WinogradConvolution(
          from: MapLayout(channels: channels, height: side, width: side, padding: padding),
          to: MapLayout(channels: 8, height: outputSide, width: outputSide),
          kernelSize: kernelSize, stride: stride, padding: padding, groups: 1, slots: 1,
          biases: [Float](repeating: 0, count: 8),
          kernels: Kernels(.baseline)) == nil)
    }
  }

  /// The committed transforms are what the generator writes today.
  @Test func theTransformsAreGenerated() throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Scripts/generate-transforms").standardized
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script.path(), "--check"]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "run Scripts/generate-transforms")
  }
}
