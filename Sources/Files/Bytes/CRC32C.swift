internal import CChecksum

/// The CRC-32C checksum (Castagnoli polynomial, as in iSCSI, RFC 3720 section 12.1), in pieces.
///
/// By the processor's instruction where it has one; else eight bytes at a time by eight tables
/// (Kounavis and Berry, 2005, “slicing-by-8”).
package struct CRC32C: Sendable {
  private var state: UInt32 = ~0

  package init() {}

  /// The checksum of everything taken so far.
  package var value: UInt32 { ~state }

  /// The checksum of `bytes`.
  package static func of(_ bytes: [UInt8]) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(bytes)
    return checksum.value
  }

  /// The checksum of `bytes`.
  package static func of(_ bytes: SharedBytes) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(bytes)
    return checksum.value
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  package mutating func update(_ bytes: SharedBytes) {
    bytes.withUnsafeBytes { update($0) }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if Self.hasInstruction {
      if let base = bytes.baseAddress { state = decaf_crc32c(state, base, bytes.count) }
    } else {
      updateByTables(bytes)
    }
  }

  private static let hasInstruction = decaf_has_crc32c() != 0

  /// What `update` does without the instruction; internal for tests.
  mutating func updateByTables(_ bytes: UnsafeRawBufferPointer) {
    state = Self.tables.withUnsafeBufferPointer { t in
      var crc = state
      var i = 0
      while i + 8 <= bytes.count {
        let word =
          UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)) ^ UInt64(crc)
        crc =
          t[7 * 256 + Int(word & 255)] ^ t[6 * 256 + Int(word >> 8 & 255)]
          ^ t[5 * 256 + Int(word >> 16 & 255)] ^ t[4 * 256 + Int(word >> 24 & 255)]
          ^ t[3 * 256 + Int(word >> 32 & 255)] ^ t[2 * 256 + Int(word >> 40 & 255)]
          ^ t[256 + Int(word >> 48 & 255)] ^ t[Int(word >> 56)]
        i += 8
      }
      while i < bytes.count {
        crc = t[Int((crc ^ UInt32(bytes[i])) & 255)] ^ crc >> 8
        i += 1
      }
      return crc
    }
  }

  /// `tables[256·j + b]`: the effect of byte `b` followed by `j` zero bytes.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
      tables[byte] = crc
    }
    for index in 256..<tables.count {
      let previous = tables[index - 256]
      tables[index] = tables[Int(previous & 255)] ^ previous >> 8
    }
    return tables
  }()
}
