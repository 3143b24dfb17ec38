import Tensors
import Testing

@Suite struct FloatBytesTests {
  @Test func everyFloat16DecodesToItsValue() {
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let value = FloatBytes.float32(bits)
      #expect(value == expected || value.isNaN && expected.isNaN)
      if !value.isNaN {
        #expect(value.sign == expected.sign)
        #expect(FloatBytes.float16Bits(value) == bits)
      }
    }
  }

  @Test func roundsToNearestEven() {
    // Around every float16: the midpoint to the next, and one float below and above it.
    for bits in UInt16(0)..<0x7c00 {
      let low = FloatBytes.float32(bits)
      let high = bits == 0x7bff ? 65536 : FloatBytes.float32(bits + 1)
      let middle = (low + high) / 2
      for value in [low.nextUp, middle.nextDown, middle, middle.nextUp, high.nextDown] {
        let expected = Float16(value).bitPattern
        #expect(FloatBytes.float16Bits(value) == expected)
        #expect(FloatBytes.float16Bits(-value) == expected | 0x8000)
      }
    }
    #expect(FloatBytes.float16Bits(.infinity) == 0x7c00)
    #expect(FloatBytes.float16Bits(-.nan) & 0x7fff == 0x7e00)
    #expect(FloatBytes.float16Bits(.leastNonzeroMagnitude) == 0)
  }

  @Test func countsFiniteValuesThatBecomeInfinite() {
    let values: [Float] = [1, 65504, 65519.996, 65520, -70000, .infinity, .nan, 3e38]
    var bytes: [UInt8] = [7]
    #expect(FloatBytes.appendFloat16(values.span, to: &bytes) == 3)
    #expect(bytes.count == 1 + 2 * values.count)
    #expect(Array(bytes[..<5]) == [7, 0, 0x3c, 0xff, 0x7b])
  }

  @Test func float32RoundTripsBitForBit() {
    let values: [Float] = [
      0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude, Float(bitPattern: 0x7fc1_2345),
    ]
    var bytes = [UInt8]()
    FloatBytes.appendFloat32(values.span, to: &bytes)
    #expect(Array(bytes[8..<12]) == [0, 0, 0xc0, 0x3f])
    var decoded: [Float] = [9]
    bytes.withUnsafeBytes { FloatBytes.decodeFloat32($0, into: &decoded) }
    #expect(decoded.map(\.bitPattern) == ([9] + values).map(\.bitPattern))
  }
}
