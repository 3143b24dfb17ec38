import Testing

@testable import Files

@Suite struct CRC32CTests {
  /// Bit by bit, as the polynomial is defined.
  private func slowTwin(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }
    return ~crc
  }

  @Test func agreesWithRFC3720() {
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xe306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CRC32C.of([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func agreesWithSlowTwinHoweverItIsCut() {
    let bytes = (0..<257).map { UInt8(truncatingIfNeeded: $0 * $0 &+ 31 * $0) }
    for count in 0...64 {
      let part = Array(bytes[..<count])
      #expect(CRC32C.of(part) == slowTwin(part))
      var byTables = CRC32C()
      part.withUnsafeBytes { byTables.updateByTables($0) }
      #expect(byTables.value == slowTwin(part))
    }
    for cut in 0...bytes.count {
      var checksum = CRC32C()
      checksum.update(Array(bytes[..<cut]))
      checksum.update(Array(bytes[cut...]))
      #expect(checksum.value == slowTwin(bytes))
    }
  }

  /// Around the lengths at which bytes are taken in lanes of 4096.
  @Test func longInputsAgreeWithSlowTwin() {
    var bytes: [UInt8] = []
    var state: UInt32 = 1
    for _ in 0..<40_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      bytes.append(UInt8(state >> 24))
    }
    for (start, count) in [(0, 12_287), (1, 12_288), (3, 12_289), (0, 24_576), (5, 39_995)] {
      let part = Array(bytes[start..<start + count])
      let expected = slowTwin(part)
      #expect(CRC32C.of(part) == expected)
      var byTables = CRC32C()
      part.withUnsafeBytes { byTables.updateByTables($0) }
      #expect(byTables.value == expected)
    }
  }
}
