import Files
import TestSupport
import Testing

@testable import Tensors

@Suite struct StoredFloatsTests {
  @Test func segmentsAreJoinedAndConverted() throws {
    try withTemporaryFolder { folder in
      // 3 touching floats at 1, two floats 5 bytes apart, one double.
      var bytes: [UInt8] = [0]
      for value: Float in [1, 2, 3] { bytes += ProtobufEncoder.littleEndian(value.bitPattern) }
      for value: Float in [4, 5] { bytes += ProtobufEncoder.littleEndian(value.bitPattern) + [9] }
      bytes += ProtobufEncoder.littleEndian(6.5.bitPattern)
      let file = try MappedFile(writeTestFile(bytes, "x", in: folder))
      let floats = StoredFloats(
        file,
        [
          .init(.float32, offset: 1, count: 3), .init(.float32, offset: 13, count: 2, stride: 5),
          .init(.float64, offset: 23, count: 1),
        ])
      let expected: [Float] = [1, 2, 3, 4, 5, 6.5]
      #expect(floats.count == 6)
      #expect(floats.floats() == expected)
      for first in 0...6 {
        for end in first...6 {
          #expect(floats.floats(first..<end) == Array(expected[first..<end]))
          floats.withFloats(first..<end) { span in
            #expect(span.indices.map { span[$0] } == Array(expected[first..<end]))
          }
        }
      }
    }
  }

  @Test func theDigestDoesNotDependOnWhereTheNumbersAre() throws {
    try withTemporaryFolder { folder in
      let values = (0..<300_001).map { Float($0) * 0.37 }
      let bytes: [UInt8] = [7] + values.flatMap { ProtobufEncoder.littleEndian($0.bitPattern) }
      let file = try MappedFile(writeTestFile(bytes, "x", in: folder))
      let stored = StoredFloats(file, [.init(.float32, offset: 1, count: values.count)])
      var (a, b) = (SHA256Digest.Hasher(), SHA256Digest.Hasher())
      #expect(stored.update(&a) == nil)
      #expect(StoredFloats(values).update(&b) == nil)
      let digest = a.finalize()
      #expect(digest == b.finalize())
      #expect(digest == SHA256Digest(of: bytes.dropFirst()))
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func numbersThatAreNotFiniteAreFound(value: Float) {
    var values = [Float](repeating: 1, count: 300_000)
    values[280_000] = value
    var hasher = SHA256Digest.Hasher()
    #expect(StoredFloats(values).update(&hasher) == 280_000)
  }
}

@Suite struct SeededGeneratorTests {
  @Test func wordsAreThoseOfSplitMix64() {
    // Reference values of the authors' C program for seed 1234567.
    var generator = SeededGenerator(state: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }

  @Test func normalNumbersHaveTheirMoments() {
    var generator = SeededGenerator(seed: 5)
    let values = (0..<100_000).map { _ in Double(generator.normal()) }
    let moments = (1...4).map { power in
      values.reduce(0) { sum, value in sum + (0..<power).reduce(1) { p, _ in p * value } } / 1e5
    }
    // Four standard errors; the fourth moment of twelve uniform numbers is 2.9.
    #expect(abs(moments[0]) < 0.013)
    #expect(abs(moments[1] - 1) < 0.018)
    #expect(abs(moments[2]) < 0.05)
    #expect(abs(moments[3] - 2.9) < 0.12)
  }

  @Test func streamsDiffer() {
    var firsts = Set<UInt64>()
    for seed: UInt64 in 0..<10 {
      for stream: UInt64 in 0..<10 {
        var generator = SeededGenerator(seed: seed, stream: stream)
        firsts.insert(generator.next())
      }
    }
    #expect(firsts.count == 100)
  }
}
