import TestSupport
import Testing

@testable import Tensors

/// Sums of training in whole units: of the same bits in any order, and near the exact ones.
@Suite struct WholeUnitsTests {
  /// An odd count, numbers of very different sizes, halves of a unit among them, and zeros.
  private static let terms: [[Float]] = (0..<5).map { term in
    let scales: [Float] = [1e-9, 1, 0.0625]
    let values = SlowKernels.random(1037, seed: UInt64(term + 1))
    return values.indices.map { i in i % 7 == 0 ? 0 : values[i] * scales[i % 3] }
  }

  private func part(_ values: [Float]) -> BufferPart {
    let buffer = FloatBuffer(count: values.count)
    buffer.replace(from: 0, with: values)
    return BufferPart(buffer)
  }

  private var exact: [Double] {
    (0..<1037).map { i in
      var sum = 0.0
      for term in Self.terms { sum += Double(term[i]) }
      return sum
    }
  }

  /// Apart from one rounding to single precision.
  private func requireNear(_ values: [Float], within bound: Double) {
    for (value, exact) in zip(values, exact) {
      let difference = abs(Double(value) - exact)
      let limit = bound + 0x1p-24 * abs(exact)
      #expect(difference <= limit)
    }
  }

  @Test(arguments: KernelClass.supported) func unitSums(_ kernelClass: KernelClass) {
    let kernels = LayerKernels(kernelClass)
    let sum = UnitSum(bound: 5)
    func found(_ order: [Int]) -> [Float] {
      let units = BufferPart(FloatBuffer(count: UnitSum.floats(1037)))
      for i in order { sum.add(part(Self.terms[i]), to: units, kernels) }
      let sums = part([Float](repeating: .nan, count: 1037))
      sum.read(units, into: sums, kernels)
      return sums.floats
    }
    let one = found([0, 1, 2, 3, 4])
    #expect(one == found([3, 1, 4, 0, 2]))
    // Five roundings to 2⁻⁴⁷, and one to single precision.
    requireNear(one, within: 5 * 0x1p-47)
    // Small and large bounds lose nothing of terms that are as small and large.
    for scale in [Float(0x1p-120), 0x1p100] {
      let sum = UnitSum(bound: 5 * Double(scale))
      let units = BufferPart(FloatBuffer(count: 2))
      sum.add(part([0.75 * scale]), to: units, kernels)
      sum.add(part([-0.25 * scale]), to: units, kernels)
      let result = part([0])
      sum.read(units, into: result, kernels)
      #expect(result.floats == [0.5 * scale])
    }
  }

  @Test(arguments: KernelClass.supported) func pairSums(_ kernelClass: KernelClass) {
    let kernels = LayerKernels(kernelClass)
    let largest = Self.terms.joined().map(abs).max()!
    let sum = PairSum(largest: largest, termCount: 5)
    func found(_ order: [Int]) -> [Float] {
      let units = BufferPart(FloatBuffer(count: PairSum.floats(1037)))
      for i in order { sum.add(part(Self.terms[i]), to: units, kernels) }
      let sums = part([Float](repeating: .nan, count: 1037))
      sum.read(units, into: sums, kernels)
      return sums.floats
    }
    let one = found([0, 1, 2, 3, 4])
    #expect(one == found([3, 1, 4, 0, 2]))
    // Five roundings to 2⁻²⁷ of a number that is nearly twice the largest at most.
    requireNear(one, within: 10 * 0x1p-27)
  }
}
