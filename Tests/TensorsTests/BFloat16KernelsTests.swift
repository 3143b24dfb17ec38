import TestSupport
import Testing

@testable import Tensors

@Suite struct BFloat16KernelsTests {
  // MARK: - Convolutions

  typealias Size = ConvolutionProblem.Size
  typealias Problem = ConvolutionProblem

  /// Lines of one, two and four tiles, the last overlapping or not; steps that reach beyond a line of
  /// the filter; panels that are not full; strips; odd numbers of tiles.
  static let sizes = [
    Size(channels: 16, height: 3, width: 5, outputs: 33, kernelSize: 3, groups: 1),
    Size(channels: 64, height: 13, width: 13, outputs: 28, kernelSize: 3, groups: 2),
    Size(channels: 96, height: 29, width: 27, outputs: 40, kernelSize: 5, groups: 2),
    Size(channels: 48, height: 17, width: 55, outputs: 16, kernelSize: 3, groups: 1, unpadded: 1),
    Size(channels: 16, height: 1, width: 1, outputs: 1, kernelSize: 1, groups: 1),
  ]

  /// The nearest number of 8 bits; of two the even one.
  private static func rounded(_ x: Float) -> Float {
    let step = x.ulp * 65536
    return (x / step).rounded(.toNearestOrEven) * step
  }

  /// The outputs of images, in that many slots at least.
  private func run(
    _ problem: Problem, _ kernels: BFloat16Kernels, images: [SlowKernels.Map], slots: Int = 1,
    rectify: Bool = false
  ) throws -> [[Float]] {
    let convolution = try #require(
      BFloat16Convolution(
        problem.shape, from: problem.input, to: problem.output, slots: slots,
        biases: problem.biases, kernels: kernels))
    return problem.run(convolution, images: images, rectify: rectify)
  }

  @Test(arguments: sizes)
  func convolutionsAreThoseOfRoundedFactors(_ size: Size) throws {
    var problem = Problem(size)
    let image = problem.image(1)
    let plain = try run(problem, .emulated, images: [image])[0]
    let rectified = try run(problem, .emulated, images: [image], rectify: true)[0]
    #expect(rectified == SlowKernels.rectify(plain))

    problem.weights = problem.weights.map(Self.rounded)
    let nearest = SlowKernels.Map(
      image.channels, image.height, image.width, image.values.map(Self.rounded))
    let expected = problem.expected(nearest)
    // Both sides round chains of up to 1200 exact products, 6e-8 each time.
    let largest = expected.map(abs).max()!
    try #require(plain.count == expected.count)
    #expect(zip(plain, expected).allSatisfy { abs($0 - $1) <= 3e-6 * largest })
  }

  @Test(.enabled(if: BFloat16Kernels.native != nil, "this processor has no AMX"), arguments: sizes)
  func theProcessorsConvolutionsAreTheEmulatedOnes(_ size: Size) throws {
    let problem = Problem(size)
    let native = try #require(BFloat16Kernels.native)
    let found = try run(problem, native, images: [problem.image(4)])
    #expect(try found == run(problem, .emulated, images: [problem.image(4)]))
  }

  @Test func anImageDoesNotDependOnTheOthersNorOnItsSlot() throws {
    for size in [Self.sizes[0], Self.sizes[1], Self.sizes[3]] {
      let problem = Problem(size)
      let alone = try run(problem, .emulated, images: [problem.image(5)])[0]
      for (images, slots) in [([5, 6], 2), ([6, 7, 5], 5), ([1, 2, 3, 4, 5], 8)] {
        let found = try run(
          problem, .emulated, images: images.map { problem.image(UInt64($0)) }, slots: slots)
        #expect(found[images.firstIndex(of: 5)!] == alone)
      }
    }
  }

  @Test func numbersAreRoundedToTheNearest() throws {
    let layout = MapLayout(channels: 16, height: 1, width: 1)
    let convolution = try #require(
      BFloat16Convolution(
        ConvolutionShape(channels: 16, outputs: 16, kernelSize: 1), from: layout, to: layout,
        slots: 1, biases: [Float](repeating: 0, count: 16), kernels: .emulated))
    var unit = [Float](repeating: 0, count: 256)
    for i in 0..<16 { unit[17 * i] = 1 }
    convolution.pack(panel: 0, unit.span)
    let cases: [(Float, Float)] = [
      (1 + 0x1p-8, 1), (1 + 0x1p-8 + 0x1p-20, 1 + 0x1p-7), (1 + 3 * 0x1p-8, 1 + 0x1p-6),
      (-1 - 0x1p-9, -1), (0x1.fffffep127, .infinity), (-0.0, 0), (0x1p-130, 0), (3, 3),
    ]
    var values = cases.map(\.0) + [Float](repeating: 0, count: 16 - cases.count)
    let transformed = FloatBuffer(count: convolution.transformedFloats)
    let input = FeatureMap(layout)
    let output = FeatureMap(layout)
    func outputs() -> [Float] {
      input.setChannelsFirst(values.span)
      convolution.transform(input, strip: 0, to: transformed, slot: 0)
      convolution.run(
        pass: 0, strip: 0, count: 1, of: { _ in input }, from: transformed,
        sums: FloatBuffer(count: 0), rectify: false,
        into: { _ in output })
      return output.buffer.floats(0..<16)
    }
    // An infinite number meets the other outputs' weights of zero.
    let largest = try #require(cases.firstIndex { $0.1 == .infinity })
    values[largest] = 0
    for (found, (_, expected)) in zip(outputs(), cases) where expected.isFinite {
      #expect(found == expected)
    }
    values[largest] = cases[largest].0
    #expect(outputs()[largest] == .infinity)
    values[largest] = .nan
    #expect(outputs()[largest].isNaN)
  }

  // MARK: - Inner products

  struct Rows: Sendable, CustomTestStringConvertible {
    let rows: Int
    let depth: Int
    let outputs: Int
    var testDescription: String { "\(rows)×\(depth)×\(outputs)" }
  }

  /// Tiles and groups of rows, steps, slabs and outputs that are not full.
  static let products = [
    Rows(rows: 1, depth: 16, outputs: 1), Rows(rows: 3, depth: 48, outputs: 33),
    Rows(rows: 17, depth: 1040, outputs: 16), Rows(rows: 64, depth: 2048, outputs: 40),
    Rows(rows: 70, depth: 80, outputs: 70),
  ]

  private struct ProductProblem {
    let input: [Float]
    let weights: [Float]
    let biases: [Float]
    let size: Rows

    init(_ size: Rows) {
      self.size = size
      input = SlowKernels.random(size.rows * size.depth, seed: 1)
      weights = SlowKernels.random(size.outputs * size.depth, seed: 2)
      biases = SlowKernels.random(size.outputs, seed: 3)
    }

    /// Outputs of the rows from `first` on.
    func run(
      _ kernels: BFloat16Kernels, from first: Int = 0, parts: Int = 1, rectify: Bool = false
    ) -> [[Float]] {
      let count = size.rows - first
      let product = BFloat16InnerProduct(
        weights: StoredFloats(weights), biases: biases, kernels: kernels)
      let from = RowMatrix(count: count, width: size.depth)
      let to = RowMatrix(count: count, width: size.outputs)
      for row in 0..<count {
        from.buffer.replace(
          from: from.range(ofRow: row).lowerBound,
          with: Array(input[(first + row) * size.depth..<(first + row + 1) * size.depth]))
      }
      // What buffers held before must not show.
      let packed = FloatBuffer(count: product.packedFloats(count: count))
      let sums = FloatBuffer(count: product.sumFloats(count: count))
      for buffer in [packed, sums, to.buffer] {
        buffer.replace(from: 0, with: [Float](repeating: .nan, count: buffer.count))
      }
      let rows = product.pack(from, count: count, into: packed)
      for part in (0..<parts).reversed() {
        product.run(
          outputs: product.outputs(ofPart: part, of: parts), of: rows, sums: sums, into: to,
          rectify: rectify)
      }
      return (0..<count).map { to.buffer.floats(to.range(ofRow: $0)) }
    }
  }

  @Test(arguments: products)
  func innerProductsAreNearTheExactOnes(_ size: Rows) {
    let problem = ProductProblem(size)
    let found = problem.run(.emulated)
    for (r, row) in found.enumerated() {
      for (o, value) in row.enumerated() {
        var (sum, bound) = (Double(problem.biases[o]), 0.0)
        for k in 0..<size.depth {
          let term =
            Double(problem.input[r * size.depth + k]) * Double(problem.weights[o * size.depth + k])
          sum += term
          bound += abs(term)
        }
        // Each factor within 2⁻¹⁴, the product of two small halves, and a little for sums.
        #expect(abs(Double(value) - sum) <= bound * (0x1p-13 + 0x1p-14) + 1e-6)
      }
    }
    #expect(problem.run(.emulated, rectify: true) == found.map(SlowKernels.rectify))
  }

  @Test(arguments: products)
  func aRowDependsOnItselfAlone(_ size: Rows) {
    let problem = ProductProblem(size)
    let all = problem.run(.emulated)
    #expect(problem.run(.emulated, parts: 3) == all)
    for first in [1, size.rows / 2, size.rows - 1] where first < size.rows {
      #expect(problem.run(.emulated, from: first) == Array(all[first...]))
    }
  }

  @Test(
    .enabled(if: BFloat16Kernels.native != nil, "this processor has no AMX"), arguments: products)
  func theProcessorsProductsAreTheEmulatedOnes(_ size: Rows) throws {
    let problem = ProductProblem(size)
    let native = try #require(BFloat16Kernels.native)
    let (found, expected) = (problem.run(native), problem.run(.emulated))
    let areEqual = found == expected
    #expect(areEqual)
  }
}
