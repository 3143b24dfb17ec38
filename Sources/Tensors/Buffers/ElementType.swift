/// How a file holds a number, little-endian.
///
/// Every format translates its own names of types into these; see its `ElementType+….swift`.
package enum ElementType: String, Codable, Sendable, CaseIterable {
  case int8, uint8, int16, uint16, int32, uint32, int64, uint64
  case float16, bfloat16, float32, float64

  /// Bytes of one number.
  package var byteCount: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// The number whose bytes are the low ones of `bits`; 64-bit integers beyond 2⁵³ are rounded.
  @inline(__always)
  package func value(_ bits: UInt64) -> Double {
    switch self {
    case .int8: Double(Int8(truncatingIfNeeded: bits))
    case .uint8, .uint16, .uint32, .uint64: Double(bits)
    case .int16: Double(Int16(truncatingIfNeeded: bits))
    case .int32: Double(Int32(truncatingIfNeeded: bits))
    case .int64: Double(Int64(bitPattern: bits))
    case .float16: Double(FloatBytes.float32(UInt16(truncatingIfNeeded: bits)))
    case .bfloat16: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16))
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: Double(bitPattern: bits)
    }
  }
}
