import TestSupport
import Testing

@testable import Tensors

@Suite struct InnerProductTests {
  /// Rows, depth and outputs that divide by no block, panel or slab of any class; panels of every width.
  struct Size: Sendable, CustomTestStringConvertible {
    let rows: Int
    let depth: Int
    let outputs: Int
    var testDescription: String { "\(rows)×\(depth)×\(outputs)" }
  }

  static let sizes = [
    Size(rows: 1, depth: 16, outputs: 1), Size(rows: 1, depth: 704, outputs: 77),
    Size(rows: 1, depth: 1040, outputs: 64), Size(rows: 2, depth: 16, outputs: 16),
    Size(rows: 7, depth: 256, outputs: 33), Size(rows: 13, depth: 512, outputs: 96),
    Size(rows: 33, depth: 1040, outputs: 31), Size(rows: 64, depth: 304, outputs: 70),
    Size(rows: 70, depth: 1536, outputs: 13), Size(rows: 20, depth: 4112, outputs: 25),
    Size(rows: 61, depth: 2064, outputs: 11),
  ]

  private struct Problem {
    let size: Size
    let input: [Float]
    let weights: [Float]
    let biases: [Float]

    init(_ size: Size) {
      self.size = size
      input = SlowKernels.random(size.rows * size.depth, seed: 1)
      weights = SlowKernels.random(size.outputs * size.depth, seed: 2)
      biases = SlowKernels.random(size.outputs, seed: 3)
    }

    /// The first `count` rows' outputs, computed in `parts`; the other rows as they were: NaN.
    func run(
      _ kernels: Kernels, weights stored: StoredFloats? = nil, count: Int? = nil, parts: Int = 1,
      rectify: Bool = false
    ) -> [[Float]] {
      let count = count ?? size.rows
      let product = InnerProduct(
        weights: stored ?? StoredFloats(weights), biases: biases, kernels: kernels)
      let from = RowMatrix(count: size.rows, width: size.depth)
      let to = RowMatrix(count: size.rows, width: size.outputs)
      to.buffer.replace(from: 0, with: [Float](repeating: .nan, count: to.buffer.count))
      for row in 0..<size.rows {
        from.buffer.replace(
          from: from.range(ofRow: row).lowerBound,
          with: Array(input[row * size.depth..<(row + 1) * size.depth]))
      }
      // What buffers held before must not show.
      let packed = FloatBuffer(count: product.packedFloats(count: count))
      let sums = FloatBuffer(count: product.sumFloats(count: count))
      for buffer in [packed, sums] {
        buffer.replace(from: 0, with: [Float](repeating: .nan, count: buffer.count))
      }
      product.pack(from, count: count, into: packed)
      for part in 0..<parts {
        product.run(
          outputs: size.outputs * part / parts..<size.outputs * (part + 1) / parts, of: from,
          count: count, packed: packed, sums: sums, into: to, rectify: rectify)
      }
      return (0..<size.rows).map { to.buffer.floats(to.range(ofRow: $0)) }
    }
  }

  @Test(arguments: KernelCase.all, sizes)
  func everySumIsOneChainOfMultiplyAdds(_ kernel: KernelCase, _ size: Size) {
    let problem = Problem(size)
    for (row, found) in problem.run(kernel.kernels).enumerated() {
      let expected = SlowKernels.innerProduct(
        Array(problem.input[row * size.depth..<(row + 1) * size.depth]),
        weights: problem.weights, biases: problem.biases, isFused: kernel.isFused)
      #expect(found == expected)
    }
  }

  @Test(arguments: KernelCase.all)
  func partsDoNotShow(_ kernel: KernelCase) {
    for rows in [1, 29] {
      let problem = Problem(Size(rows: rows, depth: 912, outputs: 150))
      let expected = problem.run(kernel.kernels)
      for parts in [2, 3, 150] {
        #expect(problem.run(kernel.kernels, parts: parts) == expected)
      }
    }
  }

  @Test(arguments: KernelCase.all)
  func aRowDoesNotDependOnTheOthers(_ kernel: KernelCase) {
    let problem = Problem(Size(rows: 67, depth: 912, outputs: 45))
    let expected = problem.run(kernel.kernels)
    for count in [0, 1, 2, 6, 12, 13, 32, 33, 66] {
      let found = problem.run(kernel.kernels, count: count)
      #expect(Array(found.prefix(count)) == Array(expected.prefix(count)))
      let restIsUntouched = found.dropFirst(count).allSatisfy { $0.allSatisfy(\.isNaN) }
      #expect(restIsUntouched)
    }
  }

  @Test(arguments: KernelCase.all)
  func rectifyingReplacesNegativeOutputsOnly(_ kernel: KernelCase) {
    for rows in [1, 9] {
      let problem = Problem(Size(rows: rows, depth: 304, outputs: 45))
      let plain = problem.run(kernel.kernels).flatMap(\.self)
      let rectified = problem.run(kernel.kernels, rectify: true).flatMap(\.self)
      #expect(plain.contains { $0 < 0 } && plain.contains { $0 > 0 })
      #expect(rectified == SlowKernels.rectify(plain))
    }
  }

  @Test func fusedClassesAgreeBitForBit() {
    for rows in [1, 31] {
      let problem = Problem(Size(rows: rows, depth: 784, outputs: 50))
      let results = KernelCase.all.filter(\.isFused).map { problem.run($0.kernels) }
      #expect(results.allSatisfy { $0 == results.first })
    }
  }

  /// Weights in a mapped file are read there, even when they are not aligned; others are converted.
  @Test(arguments: [0, 1, 2])
  func weightsLieAnywhere(_ offset: Int) throws {
    try withTemporaryFolder { folder in
      let problem = Problem(Size(rows: 3, depth: 64, outputs: 37))
      let count = problem.weights.count
      let bytes = problem.weights.withUnsafeBytes { [UInt8](repeating: 7, count: offset) + $0 }
      let file = try MappedFile(writeTestFile(bytes, "weights", in: folder))
      let mapped = StoredFloats(file, [.init(.float32, offset: offset, count: count)])
      let halves = StoredFloats(
        file,
        [
          .init(.float32, offset: offset, count: count / 2),
          .init(.float32, offset: offset + count / 2 * 4, count: count - count / 2),
        ])
      #expect(mapped.isInPlace && !halves.isInPlace)
      for kernel in KernelCase.all {
        let expected = problem.run(kernel.kernels)
        #expect(problem.run(kernel.kernels, weights: mapped) == expected)
        #expect(problem.run(kernel.kernels, weights: halves) == expected)
      }
    }
  }

  @Test func tooManyRowsAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let product = InnerProduct(
        weights: StoredFloats([Float](repeating: 0, count: 16)), biases: [0],
        kernels: Kernels(.baseline))
      product.run(
        outputs: 0..<1, of: RowMatrix(count: 1, width: 16), count: 2,
        packed: FloatBuffer(count: 1024), sums: FloatBuffer(count: 1024),
        into: RowMatrix(count: 2, width: 1), rectify: false)
    }
  }
}
