package import Files

/// Walks over the fields of one protobuf message in a mapped file without decoding what it skips.
///
/// Wire format: developers.google.com/protocol-buffers, “Encoding”. A field's bytes are handed out
/// as a range of the file, so a message of hundreds of megabytes costs nothing until someone reads
/// in it.
package struct ProtobufReader {
  /// What a field holds, by its wire type; offsets and ranges are of the file.
  package enum Value {
    case varint(UInt64)
    /// Offset of 4 bytes.
    case fixed32(Int)
    /// Offset of 8 bytes.
    case fixed64(Int)
    /// A string, a message, or a packed row of numbers.
    case bytes(Range<Int>)
  }

  /// A field of the message: its number in the `.proto` file, and what it holds.
  package struct Field {
    package let number: Int
    package let value: Value
  }

  /// The file that the message is in.
  package let file: MappedFile
  /// What is being read, for messages: “the network”, “layer 3”.
  package let part: String
  private let end: Int
  private var position: Int

  /// A reader at the beginning of the message in `range` of the file.
  package init(_ file: MappedFile, _ range: Range<Int>, part: String) {
    self.file = file
    self.part = part
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end of the message.
  ///
  /// - Throws: `ProtobufError.truncated` where the file ends too early, `malformed` where the bytes
  ///   are no protobuf message.
  package mutating func next() throws(ProtobufError) -> Field? {
    guard position < end else { return nil }
    let start = position
    let key = try varint()
    let (number, wireType) = (key >> 3, key & 7)
    guard number >= 1, number < 1 << 29 else { throw malformed("an impossible field", start) }
    let value: Value
    switch wireType {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(try take(8).lowerBound)
    case 2: value = .bytes(try take(try varint()))
    case 5: value = .fixed32(try take(4).lowerBound)
    default: throw malformed("an impossible field type (\(wireType))", start)
    }
    return Field(number: Int(number), value: value)
  }

  /// A base-128 number, up to 64 bits.
  private mutating func varint() throws(ProtobufError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      let offset = try take(1).lowerBound
      let byte = file.byte(at: offset)
      if shift == 63 && byte > 1 { break }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw malformed("a number of more than 64 bits", start)
  }

  /// The rest of the message is varints without keys, as in a packed field: reads them all.
  ///
  /// - Throws: as `next`; also when there are more than `limit`.
  package mutating func varints(limit: Int) throws(ProtobufError) -> [UInt64] {
    var values = [UInt64]()
    while position < end {
      guard values.count < limit else { throw malformed("more than \(limit) numbers", position) }
      values.append(try varint())
    }
    return values
  }

  private mutating func take(_ count: UInt64) throws(ProtobufError) -> Range<Int> {
    guard count <= UInt64(end - position) else {
      // A length that leads out of the file is the mark of a cut; one that leads out of the
      // enclosing message alone is damage.
      guard count > UInt64(file.byteCount - position) else {
        throw malformed(
          "a field of \(count) bytes in a message with \(end - position) left", position)
      }
      throw .truncated(
        path: file.path, part: part, offset: position, needed: Int(clamping: count),
        byteCount: file.byteCount)
    }
    let range = position..<position + Int(count)
    position = range.upperBound
    return range
  }

  /// The error for a message in which `reason` was found at `offset`, by default where the next field
  /// begins.
  package func malformed(_ reason: String, _ offset: Int? = nil) -> ProtobufError {
    .malformed(path: file.path, part: part, offset: offset ?? position, reason: "found " + reason)
  }

  /// At most 256 bytes of `range` as text; damaged UTF-8 is replaced.
  package func text(_ range: Range<Int>) -> String {
    let end = min(range.upperBound, range.lowerBound + 256)
    return String(decoding: file.bytes(range.lowerBound..<end), as: UTF8.self)
  }
}
