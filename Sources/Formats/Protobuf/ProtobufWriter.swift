package import Files
package import Tensors

/// Writes fields of protobuf messages (developers.google.com/protocol-buffers, “Encoding”), numbers that
/// are still in another file among them.
///
/// A message's length stands before it: what is long is measured first and copied after, so that a network
/// of hundreds of megabytes is never held.
package struct ProtobufWriter: Sendable {
  private enum Part: Sendable {
    case bytes([UInt8])
    case floats(StoredFloats)
  }

  private var parts: [Part] = []
  /// Bytes of all fields.
  package private(set) var byteCount = 0

  package init() {}

  /// A message's bytes, of one that is short.
  package static func bytes(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var message = ProtobufWriter()
    body(&message)
    return message.parts.flatMap { part -> [UInt8] in
      switch part {
      case .bytes(let bytes): bytes
      case .floats(let floats): floats.floats().flatMap { littleEndian($0.bitPattern) }
      }
    }
  }

  private mutating func append(_ bytes: [UInt8]) {
    byteCount += bytes.count
    if case .bytes(let last)? = parts.last {
      parts[parts.count - 1] = .bytes(last + bytes)
    } else {
      parts.append(.bytes(bytes))
    }
  }

  /// A whole number, or a choice.
  package mutating func number(_ field: Int, _ value: Int) {
    append(Self.varint(field << 3) + Self.varint(value))
  }

  package mutating func float(_ field: Int, _ value: Float) {
    append(Self.varint(field << 3 | 5) + Self.littleEndian(value.bitPattern))
  }

  package mutating func bytes(_ field: Int, _ bytes: [UInt8]) {
    append(Self.key(field, bytes.count) + bytes)
  }

  package mutating func text(_ field: Int, _ text: String) { bytes(field, Array(text.utf8)) }

  /// Whole numbers, one after the other in one field.
  package mutating func numbers(_ field: Int, _ values: [Int]) {
    bytes(field, values.flatMap { Self.varint($0) })
  }

  /// Numbers of single precision as plain bytes, little-endian.
  package mutating func floats(_ field: Int, _ floats: StoredFloats) {
    append(Self.key(field, 4 * floats.count))
    parts.append(.floats(floats))
    byteCount += 4 * floats.count
  }

  package mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
    var message = ProtobufWriter()
    body(&message)
    append(Self.key(field, message.byteCount))
    for part in message.parts {
      if case .bytes(let bytes) = part {
        append(bytes)
      } else if case .floats(let floats) = part {
        parts.append(part)
        byteCount += 4 * floats.count
      }
    }
  }

  /// Writes the fields to a file.
  package func write(to file: ReplacementFile) throws(SystemError) {
    for part in parts {
      switch part {
      case .bytes(let bytes): try file.append(bytes)
      case .floats(let floats):
        try floats.forEachPiece { (piece) throws(SystemError) in try file.append(piece) }
      }
    }
  }

  private static func littleEndian(_ bits: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
  }

  /// Key and length of a field of `byteCount` bytes.
  private static func key(_ field: Int, _ byteCount: Int) -> [UInt8] {
    varint(field << 3 | 2) + varint(byteCount)
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var (rest, bytes) = (UInt64(bitPattern: Int64(value)), [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
