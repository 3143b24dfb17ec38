import Files
import TestSupport
import Testing

@testable import Tensors

@Suite struct InnerProductTests {
  /// Rows, depth and outputs that divide by no block, panel or slab of any class; panels of every width.
  struct Size: Sendable, CustomTestStringConvertible {
    let rows: Int
    let depth: Int
    let outputs: Int
    /// How many of four inputs are zero.
    var zeroQuarters = 0
    var testDescription: String {
      "\(rows)×\(depth)×\(outputs)" + (zeroQuarters == 0 ? "" : ", \(zeroQuarters)/4 zero")
    }
  }

  static let sizes = [
    Size(rows: 1, depth: 16, outputs: 1), Size(rows: 1, depth: 704, outputs: 77),
    Size(rows: 1, depth: 1040, outputs: 64), Size(rows: 2, depth: 16, outputs: 16),
    Size(rows: 7, depth: 256, outputs: 33), Size(rows: 13, depth: 512, outputs: 96),
    Size(rows: 33, depth: 1040, outputs: 31), Size(rows: 64, depth: 304, outputs: 70),
    Size(rows: 70, depth: 1536, outputs: 13), Size(rows: 20, depth: 4112, outputs: 25),
    Size(rows: 61, depth: 2064, outputs: 11),
  ]

  /// For weights in panels: few rows, each of which goes its own way, and several that go together; all
  /// numbers of a single row; all zero; more numbers than it is worth to look at one by one; partly
  /// filled panels and slabs.
  static let sparseSizes = [
    Size(rows: 1, depth: 16, outputs: 1, zeroQuarters: 2),
    Size(rows: 1, depth: 704, outputs: 300, zeroQuarters: 3),
    Size(rows: 1, depth: 1040, outputs: 128),
    Size(rows: 1, depth: 80, outputs: 130, zeroQuarters: 4),
    Size(rows: 2, depth: 528, outputs: 257, zeroQuarters: 3),
    Size(rows: 3, depth: 64, outputs: 129, zeroQuarters: 2),
    Size(rows: 9, depth: 48, outputs: 77, zeroQuarters: 2),
    Size(rows: 33, depth: 1040, outputs: 31, zeroQuarters: 3),
    Size(rows: 64, depth: 304, outputs: 270, zeroQuarters: 2),
    Size(rows: 70, depth: 1536, outputs: 13, zeroQuarters: 3),
    Size(rows: 5, depth: 912, outputs: 140, zeroQuarters: 4),
    Size(rows: 7, depth: 256, outputs: 133, zeroQuarters: 1),
  ]

  private struct Problem {
    let size: Size
    var input: [Float]
    let weights: [Float]
    let biases: [Float]

    init(_ size: Size) {
      self.size = size
      let zeros = SlowKernels.random(size.rows * size.depth, seed: 4, in: 0...4)
      input = zip(SlowKernels.random(size.rows * size.depth, seed: 1), zeros).map {
        $1 < Float(size.zeroQuarters) ? 0 : $0
      }
      weights = SlowKernels.random(size.outputs * size.depth, seed: 2)
      biases = SlowKernels.random(size.outputs, seed: 3)
    }

    var rows: RowMatrix {
      let rows = RowMatrix(count: size.rows, width: size.depth)
      for row in 0..<size.rows {
        rows.buffer.replace(
          from: rows.range(ofRow: row).lowerBound,
          with: Array(input[row * size.depth..<(row + 1) * size.depth]))
      }
      return rows
    }

    /// Whether all rows are packed without the zeros.
    func isSparse(_ kernels: NetworkKernels, panels: StoredFloats?) -> Bool {
      let product = InnerProduct(
        weights: StoredFloats(weights), panels: panels, biases: biases, kernels: kernels)
      let packed = FloatBuffer(count: product.packedFloats(count: size.rows))
      return product.pack(rows, count: size.rows, into: packed).isSparse
    }

    var panels: [Float] {
      let panels = WeightPanels(of: StoredFloats(weights), outputs: size.outputs)
      var numbers = [Float]()
      for panel in 0..<panels.count {
        panels.forEachPiece(of: panel) { piece in
          for i in piece.indices { numbers.append(piece[i]) }
        }
      }
      return numbers
    }

    /// The first `count` rows' outputs, computed in `parts`; the other rows as they were: NaN.
    func run(
      _ kernels: NetworkKernels, weights stored: StoredFloats? = nil, panels: StoredFloats? = nil,
      count: Int? = nil, parts: Int = 1, rectify: Bool = false
    ) -> [[Float]] {
      let count = count ?? size.rows
      let product = InnerProduct(
        weights: stored ?? StoredFloats(weights), panels: panels, biases: biases, kernels: kernels)
      let to = RowMatrix(count: size.rows, width: size.outputs)
      to.buffer.replace(from: 0, with: [Float](repeating: .nan, count: to.buffer.count))
      // What buffers held before must not show.
      let packed = FloatBuffer(count: product.packedFloats(count: count))
      let sums = FloatBuffer(count: product.sumFloats(count: count))
      for buffer in [packed, sums] {
        buffer.replace(from: 0, with: [Float](repeating: .nan, count: buffer.count))
      }
      let rows = product.pack(self.rows, count: count, into: packed)
      for part in 0..<parts {
        product.run(
          outputs: product.outputs(ofPart: part, of: parts), of: rows, sums: sums, into: to,
          rectify: rectify)
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

  @Test(arguments: KernelCase.all, sparseSizes)
  func zerosLeftOutDoNotShow(_ kernel: KernelCase, _ size: Size) {
    let problem = Problem(size)
    let panels = StoredFloats(problem.panels)
    // One of the sizes goes the dense way, which must not show either.
    #expect(
      problem.isSparse(kernel.kernels, panels: panels) == (size.rows == 1 || size.zeroQuarters > 1))
    let expected = problem.run(kernel.kernels)
    for parts in [1, 2, 5] {
      #expect(problem.run(kernel.kernels, panels: panels, parts: parts) == expected)
    }
    for rows in Set([0, 1, 2, size.rows - 1]).filter({ $0 <= size.rows }) {
      let found = problem.run(kernel.kernels, panels: panels, count: rows)
      #expect(Array(found.prefix(rows)) == Array(expected.prefix(rows)))
      let restIsUntouched = found.dropFirst(rows).allSatisfy { $0.allSatisfy(\.isNaN) }
      #expect(restIsUntouched)
    }
    #expect(
      problem.run(kernel.kernels, panels: panels, rectify: true)
        == expected.map(SlowKernels.rectify))
  }

  /// Whether zeros are left out depends on how many there are; a single row always gains.
  @Test func manyZerosAreLeftOut() {
    for (rows, zeroQuarters, isSparse) in [(1, 0, true), (8, 3, true), (8, 1, false)] {
      let problem = Problem(Size(rows: rows, depth: 512, outputs: 20, zeroQuarters: zeroQuarters))
      #expect(
        problem.isSparse(NetworkKernels(.baseline), panels: StoredFloats(problem.panels))
          == isSparse)
      #expect(!problem.isSparse(NetworkKernels(.baseline), panels: nil))
    }
  }

  /// A NaN among the inputs is no zero; a negative zero is one.
  @Test(arguments: KernelCase.all)
  func specialNumbersAreNotLost(_ kernel: KernelCase) {
    for rows in [1, 4] {
      var problem = Problem(Size(rows: rows, depth: 160, outputs: 40, zeroQuarters: 3))
      for i in problem.input.indices where problem.input[i] == 0 { problem.input[i] = -0.0 }
      problem.input[37] = .nan
      let found = problem.run(kernel.kernels, panels: StoredFloats(problem.panels))
      let expected = problem.run(kernel.kernels)
      #expect(found[0].allSatisfy(\.isNaN) && expected[0].allSatisfy(\.isNaN))
      #expect(found.dropFirst() == expected.dropFirst())
    }
  }

  @Test func panelsHoldEveryWeight() {
    for size in [Size(rows: 1, depth: 528, outputs: 300), Size(rows: 1, depth: 16, outputs: 3)] {
      let problem = Problem(size)
      var numbers = problem.panels
      let expected = (0..<(size.outputs + 127) / 128 * 128 * size.depth).map { i in
        let (panel, rest) = i.quotientAndRemainder(dividingBy: 128 * size.depth)
        let (k, column) = rest.quotientAndRemainder(dividingBy: 128)
        let output = 128 * panel + column
        return output < size.outputs ? problem.weights[output * size.depth + k] : 0
      }
      #expect(numbers == expected)
      let panels = WeightPanels(of: StoredFloats(problem.weights), outputs: size.outputs)
      #expect(panels.shape == [(size.outputs + 127) / 128, size.depth, 128])
      for changed in [0, numbers.count / 2 + 1, numbers.count - 1] {
        let old = numbers[changed]
        numbers[changed] += 1
        let stored = StoredFloats(numbers)
        let agreeing = (0..<panels.count).filter { panels.agree(with: stored, in: $0) }
        let touched = changed / (128 * size.depth)
        #expect(agreeing == (0..<panels.count).filter { $0 != touched })
        numbers[changed] = old
      }
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
      let panels = problem.panels
      let panelFile = try MappedFile(
        writeTestFile(
          panels.withUnsafeBytes { [UInt8](repeating: 7, count: offset) + $0 }, "panels", in: folder
        ))
      let mappedPanels = StoredFloats(
        panelFile, [.init(.float32, offset: offset, count: panels.count)])
      for kernel in KernelCase.all {
        let expected = problem.run(kernel.kernels, count: 1)
        let found = problem.run(kernel.kernels, panels: mappedPanels, count: 1)
        #expect(found[0] == expected[0])
      }
    }
  }

  @Test func tooManyRowsAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let product = InnerProduct(
        weights: StoredFloats([Float](repeating: 0, count: 16)), biases: [0],
        kernels: NetworkKernels(.baseline))
      _ = product.pack(
        RowMatrix(count: 1, width: 16), count: 2, into: FloatBuffer(count: 1024))
    }
  }
}
