package import Tensors

/// What a store does with its rows' values; it holds them as `float32` or `float16`.
extension ElementType {
  /// The types that a store can have.
  package static let storable: [ElementType] = [.float32, .float16]

  /// Appends `values` as bytes; float16 is rounded to nearest even.
  ///
  /// - Returns: how many finite values became infinite.
  /// - Precondition: the type is storable.
  @discardableResult
  package func append(_ values: Span<Float>, to bytes: inout [UInt8]) -> Int {
    switch self {
    case .float32:
      FloatBytes.appendFloat32(values, to: &bytes)
      return 0
    case .float16:
      return FloatBytes.appendFloat16(values, to: &bytes)
    default: preconditionFailure("no store has \(rawValue)")
    }
  }

  /// Appends `values` as bytes; see `append(_:to:)` for spans.
  @discardableResult
  package func append(_ values: [Float], to bytes: inout [UInt8]) -> Int {
    append(values.span, to: &bytes)
  }

  /// The bytes of `count` NaNs, what a failed row holds: always the same bits.
  ///
  /// - Precondition: the type is storable.
  package func missing(_ count: Int) -> [UInt8] {
    let one: [UInt8] =
      switch self {
      case .float32: [0, 0, 0xc0, 0x7f]
      case .float16: [0, 0x7e]
      default: preconditionFailure("no store has \(rawValue)")
      }
    return Array(repeatElement(one, count: count).joined())
  }

  /// The values in `bytes`; float16 is converted exactly.
  ///
  /// - Precondition: the type is storable.
  package func decoded(_ bytes: [UInt8]) -> [Float] {
    var values = [Float]()
    values.reserveCapacity(bytes.count / byteCount)
    bytes.withUnsafeBytes { raw in
      switch self {
      case .float32: FloatBytes.decodeFloat32(raw, into: &values)
      case .float16: FloatBytes.decodeFloat16(raw, into: &values)
      default: preconditionFailure("no store has \(rawValue)")
      }
    }
    return values
  }
}
