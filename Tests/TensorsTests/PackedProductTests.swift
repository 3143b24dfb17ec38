import Tensors
import TestSupport
import Testing

@Suite struct PackedProductTests {
  /// Rows, depth and outputs that divide by no block, panel or segment of any class.
  struct Size: Sendable, CustomTestStringConvertible {
    let rows: Int
    let depth: Int
    let outputs: Int
    var testDescription: String { "\(rows)×\(depth)×\(outputs)" }
  }

  static let sizes = [
    Size(rows: 1, depth: 1, outputs: 1), Size(rows: 1, depth: 700, outputs: 37),
    Size(rows: 5, depth: 3, outputs: 16), Size(rows: 7, depth: 257, outputs: 33),
    Size(rows: 13, depth: 512, outputs: 96), Size(rows: 25, depth: 1031, outputs: 31),
    Size(rows: 64, depth: 300, outputs: 70), Size(rows: 3, depth: 40, outputs: 8),
  ]

  /// The product of seeded numbers, `rows` rows of `size`, in passes of `panelsPerPass` panels.
  private func product(
    _ size: Size, _ kernels: Kernels, rowCount: Int? = nil, panelsPerPass: Int = 1,
    rectify: Bool = false
  ) -> (input: [Float], weights: [Float], biases: [Float], output: [Float]) {
    let input = SlowKernels.random(size.rows * size.depth, seed: 1)
    let weights = SlowKernels.random(size.outputs * size.depth, seed: 2)
    let biases = SlowKernels.random(size.outputs, seed: 3)
    let product = PackedProduct(segments: [0..<size.depth], biases: biases, kernels: kernels)
    for panel in 0..<product.panelCount {
      let outputs = product.outputs(ofPanel: panel)
      product.pack(
        panel: panel,
        weights.span.extracting(outputs.lowerBound * size.depth..<outputs.upperBound * size.depth))
    }
    let source = FloatBuffer(count: input.count)
    source.replace(from: 0, with: input)
    let target = FloatBuffer(count: size.rows * size.outputs)
    target.replace(from: 0, with: [Float](repeating: .nan, count: target.count))
    let rows = ProductRows(
      inputs: (0..<size.rows).map { $0 * size.depth },
      outputs: (0..<size.rows).map { $0 * size.outputs })
    product.run(
      rows, rowCount: rowCount, from: source, at: 0, into: target, at: 0,
      panels: 0..<product.panelCount, panelsPerPass: panelsPerPass, rectify: rectify)
    return (input, weights, biases, target.floats(0..<target.count))
  }

  @Test(arguments: KernelCase.all, sizes)
  func everyOutputIsOneChainOfMultiplyAdds(_ kernel: KernelCase, _ size: Size) {
    let (input, weights, biases, output) = product(size, kernel.kernels)
    for row in 0..<size.rows {
      let expected = SlowKernels.innerProduct(
        Array(input[row * size.depth..<(row + 1) * size.depth]), weights: weights, biases: biases,
        isFused: kernel.isFused)
      #expect(Array(output[row * size.outputs..<(row + 1) * size.outputs]) == expected)
    }
  }

  @Test(arguments: KernelCase.all)
  func panelsPerPassDoNotShow(_ kernel: KernelCase) {
    let size = Size(rows: 29, depth: 900, outputs: 150)
    let expected = product(size, kernel.kernels).output
    for panelsPerPass in [2, 3, 100] {
      #expect(product(size, kernel.kernels, panelsPerPass: panelsPerPass).output == expected)
    }
  }

  @Test(arguments: KernelCase.all)
  func aRowDoesNotDependOnTheOthers(_ kernel: KernelCase) {
    let size = Size(rows: 29, depth: 900, outputs: 45)
    let expected = product(size, kernel.kernels).output
    for rowCount in [0, 1, 4, 6, 12, 13, 28] {
      let output = product(size, kernel.kernels, rowCount: rowCount).output
      #expect(Array(output.prefix(rowCount * 45)) == Array(expected.prefix(rowCount * 45)))
      let restIsUntouched = output.dropFirst(rowCount * 45).allSatisfy { $0.isNaN }
      #expect(restIsUntouched)
    }
  }

  @Test(arguments: KernelCase.all)
  func rectifyingReplacesNegativeOutputsOnly(_ kernel: KernelCase) {
    let size = Size(rows: 9, depth: 300, outputs: 45)
    let plain = product(size, kernel.kernels).output
    let rectified = product(size, kernel.kernels, rectify: true).output
    #expect(plain.contains { $0 < 0 } && plain.contains { $0 > 0 })
    #expect(rectified == SlowKernels.rectify(plain))
  }

  @Test func fusedClassesAgreeBitForBit() {
    let outputs = KernelCase.all.filter(\.isFused).map {
      product(Size(rows: 31, depth: 777, outputs: 50), $0.kernels).output
    }
    #expect(outputs.allSatisfy { $0 == outputs.first })
  }

  @Test func tooManyRowsAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let kernels = Kernels(.baseline)
      let product = PackedProduct(segments: [0..<4], biases: [0], kernels: kernels)
      product.run(
        ProductRows(inputs: [0, 4], outputs: [0, 1]), from: FloatBuffer(count: 7), at: 0,
        into: FloatBuffer(count: 2), at: 0, panels: 0..<1, rectify: false)
    }
  }
}
