internal import Tensors

/// How a store holds its values, little-endian.
package enum ElementType: String, Codable, Sendable, CaseIterable {
  case float32, float16

  /// Bytes of one value.
  package var byteCount: Int { self == .float32 ? 4 : 2 }

  /// NumPy's name of the type.
  var descriptor: String { self == .float32 ? "<f4" : "<f2" }

  init?(descriptor: String) {
    guard let type = Self.allCases.first(where: { $0.descriptor == descriptor }) else { return nil }
    self = type
  }

  /// Appends `values` as bytes; float16 is rounded to nearest even.
  ///
  /// - Returns: how many finite values became infinite.
  @discardableResult
  package func append(_ values: Span<Float>, to bytes: inout [UInt8]) -> Int {
    switch self {
    case .float32:
      FloatBytes.appendFloat32(values, to: &bytes)
      return 0
    case .float16:
      return FloatBytes.appendFloat16(values, to: &bytes)
    }
  }

  /// Appends `values` as bytes; see `append(_:to:)` for spans.
  @discardableResult
  package func append(_ values: [Float], to bytes: inout [UInt8]) -> Int {
    append(values.span, to: &bytes)
  }

  /// The bytes of `count` NaNs, what a failed row holds: always the same bits.
  package func missing(_ count: Int) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(count * byteCount)
    for _ in 0..<count {
      switch self {
      case .float32: bytes += [0, 0, 0xc0, 0x7f]
      case .float16: bytes += [0, 0x7e]
      }
    }
    return bytes
  }

  /// The values in `bytes`; float16 is converted exactly.
  package func decoded(_ bytes: [UInt8]) -> [Float] {
    var values = [Float]()
    values.reserveCapacity(bytes.count / byteCount)
    bytes.withUnsafeBytes { raw in
      switch self {
      case .float32: FloatBytes.decodeFloat32(raw, into: &values)
      case .float16: FloatBytes.decodeFloat16(raw, into: &values)
      }
    }
    return values
  }
}
