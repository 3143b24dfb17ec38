/// Builds a protobuf message field by field, the odd forms included that real writers seldom use.
package struct ProtobufEncoder: Sendable {
  package private(set) var bytes = [UInt8]()

  package init() {}

  package static func message(_ build: (inout ProtobufEncoder) -> Void) -> [UInt8] {
    var encoder = ProtobufEncoder()
    build(&encoder)
    return encoder.bytes
  }

  /// A varint field.
  package mutating func number(_ field: Int, _ value: Int) {
    bytes += Self.varint(field << 3) + Self.varint(value)
  }

  /// A string, message or packed field.
  package mutating func bytes(_ field: Int, _ value: [UInt8]) {
    bytes += Self.varint(field << 3 | 2) + Self.varint(value.count) + value
  }

  package mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

  package mutating func message(_ field: Int, _ build: (inout ProtobufEncoder) -> Void) {
    bytes(field, Self.message(build))
  }

  package mutating func float(_ field: Int, _ value: Float) {
    bytes += Self.varint(field << 3 | 5) + Self.littleEndian(value.bitPattern)
  }

  package mutating func double(_ field: Int, _ value: Double) {
    bytes += Self.varint(field << 3 | 1) + Self.littleEndian(value.bitPattern)
  }

  package mutating func packed(_ field: Int, _ values: [Float]) {
    bytes(field, values.flatMap { Self.littleEndian($0.bitPattern) })
  }

  package mutating func packed(_ field: Int, _ values: [Double]) {
    bytes(field, values.flatMap { Self.littleEndian($0.bitPattern) })
  }

  package mutating func packed(_ field: Int, _ values: [Int]) {
    bytes(field, values.flatMap { Self.varint($0) })
  }

  package static func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value))
    var bytes = [UInt8]()
    repeat {
      let low = UInt8(truncatingIfNeeded: rest & 0x7F)
      rest >>= 7
      bytes.append(rest == 0 ? low : low | 0x80)
    } while rest != 0
    return bytes
  }

  package static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
