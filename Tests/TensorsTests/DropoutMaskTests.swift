import Tensors
import Testing

@Suite struct DropoutMaskTests {
  /// Against explicit draws, over odd and even widths.
  @Test(arguments: [0, 1, 2, 7, 64], [0, 0.1, 0.5, 0.999])
  func halvesOfWordsDecideWhatIsDropped(width: Int, probability: Double) {
    let row = (0..<width).map { Float($0) + 0.25 }
    var values: [Float] = [-1]
    var generator = SeededGenerator(seed: 5, stream: 6)
    DropoutMask(probability: probability).append(row.span, times: 3, &generator, to: &values)
    var slow = SeededGenerator(seed: 5, stream: 6)
    var halves: [UInt64] = []
    for _ in 0..<(width + 1) / 2 {
      let word = slow.next()
      halves += [word & 0xFFFF_FFFF, word >> 32]
    }
    let bound = (probability * 0x1p32).rounded()
    let scale = Float(3 / (1 - bound / 0x1p32))
    #expect(
      values == [-1] + row.indices.map { Double(halves[$0]) < bound ? 0 : row[$0] * scale })
    #expect(generator.next() == slow.next())
  }

  @Test func shareAndMeanAreRight() {
    let probability = 0.3
    let count = 100_000
    let row = [Float](repeating: 1, count: count)
    var values: [Float] = []
    var generator = SeededGenerator(seed: 1)
    DropoutMask(probability: probability).append(row.span, times: 1, &generator, to: &values)
    let dropped = Double(values.count { $0 == 0 }) / Double(count)
    // Five standard deviations of a binomial share.
    let bound = 5 * (probability * (1 - probability) / Double(count)).squareRoot()
    #expect(abs(dropped - probability) < bound)
    #expect(abs(Double(values.reduce(0, +)) / Double(count) - 1) < bound / (1 - probability))
  }

  @Test func nearlyEverythingCanBeDropped() {
    let mask = DropoutMask(probability: 1 - 0x1p-50)
    #expect(mask.factor == 0x1p32)
  }
}
