import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite struct WinogradConvolutionTests {
  typealias Size = ConvolutionProblem.Size
  typealias Problem = ConvolutionProblem

  /// All kinds of tiles and their neighbours, panels of every width, a last one that is not full in
  /// any class, several passes, several strips of both kinds of tiles and the last not full.
  static let sizes = [
    Size(channels: 16, height: 13, width: 13, outputs: 33, kernelSize: 3, groups: 1),
    Size(channels: 32, height: 4, width: 5, outputs: 14, kernelSize: 3, groups: 2),
    Size(channels: 48, height: 9, width: 8, outputs: 150, kernelSize: 3, groups: 1, unpadded: 1),
    Size(channels: 16, height: 4, width: 13, outputs: 5, kernelSize: 5, groups: 1),
    Size(channels: 96, height: 9, width: 5, outputs: 70, kernelSize: 5, groups: 2),
    Size(channels: 16, height: 27, width: 8, outputs: 1, kernelSize: 5, groups: 1, unpadded: 2),
    Size(channels: 16, height: 48, width: 9, outputs: 110, kernelSize: 3, groups: 1),
  ]

  /// Of the largest output; a tenth of what the design allows, for 5 × 5 a fifth. Both sides round
  /// chains of up to 1200 products, 6e-8 each time, and the transforms enlarge the one side's errors: on
  /// random numbers to 1.7e-6 of the outputs' root mean square for the seven points of 3 × 3, to 6e-6
  /// for the nine of 5 × 5.
  private static func tolerance(_ size: Size) -> Float { size.kernelSize == 3 ? 1e-5 : 2e-5 }

  private func makeConvolution(
    _ problem: Problem, _ kernels: NetworkKernels, slots: Int = 1
  ) throws -> WinogradConvolution {
    try #require(
      WinogradConvolution(
        problem.shape, from: problem.input, to: problem.output, slots: slots,
        biases: problem.biases, kernels: kernels))
  }

  /// The outputs of images with these seeds, in that many slots at least.
  private func run(
    _ problem: Problem, _ kernels: NetworkKernels, images: [UInt64], slots: Int = 1,
    rectify: Bool = false
  ) throws -> [[Float]] {
    problem.run(
      try makeConvolution(problem, kernels, slots: slots), images: images.map(problem.image),
      rectify: rectify)
  }

  @Test(arguments: KernelCase.all, sizes)
  func agreesWithTheDirectConvolution(_ kernel: KernelCase, _ size: Size) throws {
    let problem = Problem(size)
    let expected = problem.expected(problem.image(1))
    let largest = expected.map(abs).max()!
    let plain = try run(problem, kernel.kernels, images: [1])[0]
    try #require(plain.count == expected.count)
    for (found, expected) in zip(plain, expected) {
      #expect(abs(found - expected) <= Self.tolerance(size) * largest)
    }
    let rectified = try run(problem, kernel.kernels, images: [1], rectify: true)[0]
    #expect(rectified == SlowKernels.rectify(plain))
  }

  @Test(arguments: KernelCase.all)
  func anImageDoesNotDependOnTheOthersNorOnItsSlot(_ kernel: KernelCase) throws {
    for size in [Self.sizes[1], Self.sizes[3]] {
      let problem = Problem(size)
      let alone = try run(problem, kernel.kernels, images: [5])[0]
      for (images, slots) in [([5, 6], 2), ([6, 7, 5], 5), ([1, 2, 3, 4, 6, 7, 5], 8)] {
        let found = try run(
          problem, kernel.kernels, images: images.map(UInt64.init), slots: slots)
        #expect(found[images.firstIndex(of: 5)!] == alone)
      }
    }
  }

  @Test(arguments: sizes)
  func fusedClassesAgreeBitForBit(_ size: Size) throws {
    let problem = Problem(size)
    let results = try KernelCase.all.filter(\.isFused).map {
      try run(problem, $0.kernels, images: [9])
    }
    #expect(results.allSatisfy { $0 == results.first })
  }

  @Test func notANumberStaysInItsTiles() throws {
    let problem = Problem(Self.sizes[0])
    let kernels = NetworkKernels(KernelClass.supported.last!)
    let convolution = try makeConvolution(problem, kernels)
    problem.pack(convolution)
    let transformed = FloatBuffer(count: convolution.transformedFloats)
    let sums = FloatBuffer(count: convolution.sumFloats)
    var image = problem.image(1)
    image[7, 2, 12] = .nan
    let map = problem.map(image)
    let output = FeatureMap(problem.output)
    #expect(convolution.stripCount == 1)
    convolution.transform(map, strip: 0, to: transformed, slot: 0)
    for pass in 0..<convolution.passCount {
      convolution.run(
        pass: pass, strip: 0, count: 1, of: { _ in map }, from: transformed, sums: sums,
        rectify: true,
        into: { _ in output })
    }
    let values = FloatBuffer(count: problem.output.activationCount)
    output.copyChannelsFirst(to: values, at: 0)
    #expect(values[2 * 13 + 12].isNaN)
    #expect(!values[12 * 13].isNaN)
  }

  @Test func sizesThatNoTilesFitAreRefused() {
    for (channels, side, kernelSize, stride) in [
      (16, 7, 3, 1), (16, 11, 5, 1), (24, 13, 3, 1), (16, 13, 3, 2), (16, 13, 7, 1),
    ] {
      let padding = kernelSize / 2
      let outputSide = (side - 1) / stride + 1
      let shape = ConvolutionShape(
        channels: channels, outputs: 8, kernelSize: PlaneSize(kernelSize),
        stride: PlaneSize(stride), padding: PlaneSize(padding))
      #expect(
        WinogradConvolution(
          shape, from: MapLayout(channels: channels, height: side, width: side, padding: padding),
          to: MapLayout(channels: 8, height: outputSide, width: outputSide), slots: 1,
          biases: [Float](repeating: 0, count: 8), kernels: NetworkKernels(.baseline)) == nil)
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
