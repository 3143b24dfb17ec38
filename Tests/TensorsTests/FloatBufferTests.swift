import Tensors
import Testing

@Suite struct FloatBufferTests {
  @Test(arguments: [0, 1, 17, 600_000])
  func isZeroAtFirst(count: Int) {
    let buffer = FloatBuffer(count: count)
    #expect(buffer.count == count)
    #expect(buffer.floats(0..<count).allSatisfy { $0 == 0 })
  }

  @Test func holdsWhatWasWritten() {
    let buffer = FloatBuffer(count: 6)
    buffer.replace(from: 2, with: [1, 2, 3])
    buffer[5] = 9
    buffer.withMutableSpan(0..<2) { $0[1] = 7 }
    #expect(buffer.floats(0..<6) == [0, 7, 1, 2, 3, 9])
    let sum = buffer.withSpan(3..<5) { $0[0] + $0[1] }
    #expect(sum == 5)
    #expect(buffer[4] == 3)
  }

  @Test func buffersAreApartAndAligned() {
    // Small and large ones, the last too large for what the others left.
    let buffers = [3, 17, 600_000, 1, 5_000_000, 4_000_000, 9_000_000].map(FloatBuffer.init(count:))
    for (i, buffer) in buffers.enumerated() {
      buffer[0] = Float(i + 1)
      buffer[buffer.count - 1] = Float(i + 1)
    }
    for (i, buffer) in buffers.enumerated() {
      #expect(buffer[0] == Float(i + 1) && buffer[buffer.count - 1] == Float(i + 1))
      let address = buffer.withSpan(0..<1) {
        $0.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress!) }
      }
      #expect(address % 64 == 0)
    }
    #expect(buffers[2][1] == 0 && buffers[2][599_998] == 0)
  }

  @Test func refusesWhatLiesBeyondItsEnd() async {
    await #expect(processExitsWith: .failure) {
      FloatBuffer(count: 3).replace(from: 2, with: [1, 2])
    }
    await #expect(processExitsWith: .failure) { _ = FloatBuffer(count: 3)[3] }
  }
}

@Suite struct SoftmaxTests {
  private func probabilities(_ logits: [Float]) -> [Float] {
    var result = [Float](repeating: -1, count: logits.count)
    var span = result.mutableSpan
    softmax(logits.span, into: &span)
    return result
  }

  @Test func agreesWithTheFormula() {
    let found = probabilities([0, 1, -2])
    // e^0, e^1, e^-2 over their sum, by hand.
    for (found, expected) in zip(found, [0.259496, 0.705385, 0.035119] as [Float]) {
      #expect(abs(found - expected) < 1e-6)
    }
  }

  @Test func largeLogitsDoNotOverflow() {
    #expect(probabilities([3e38, -3e38, 0]) == [1, 0, 0])
    #expect(probabilities([1e4, 1e4]) == [0.5, 0.5])
  }

  @Test func nanSpreads() {
    let areNaN = probabilities([0, .nan, 1]).allSatisfy { $0.isNaN }
    #expect(areNaN)
  }
}
