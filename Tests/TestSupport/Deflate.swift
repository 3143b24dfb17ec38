/// Little-endian bytes of an integer.
package func littleEndian(_ value: Int, _ byteCount: Int) -> [UInt8] {
  (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Deflate streams whose blocks are stored as they are.
package enum Deflate {
  package static func stored(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    repeat {
      let part = bytes[start..<min(bytes.count, start + 1000)]
      start += part.count
      result.append(start == bytes.count ? 1 : 0)
      result += littleEndian(part.count, 2) + littleEndian(~part.count, 2) + part
    } while start < bytes.count
    return result
  }

  package static func adler32(_ bytes: [UInt8]) -> [UInt8] {
    var (a, b) = (1, 0)
    for byte in bytes {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    return littleEndian(b << 16 | a, 4).reversed()
  }
}
