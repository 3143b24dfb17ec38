internal import Files

/// Appends values to a message in a fixed little-endian form.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []
  /// Long parts, which follow all others.
  private var tail: [SharedBytes] = []

  /// The message's parts: where `bytes` end and these; then the long parts, as they are.
  var message: [SharedBytes] {
    var start = ByteWriter()
    start.write(Int64(bytes.count))
    return [SharedBytes(start.bytes + bytes)] + tail
  }

  mutating func write(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

  mutating func write(_ value: Double) { write(value.bitPattern) }

  /// The count, then the bytes.
  mutating func write(_ value: [UInt8]) {
    write(Int64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func write(_ value: String) { write(Array(value.utf8)) }

  mutating func write(_ value: Range<Int>) {
    write(Int64(value.lowerBound))
    write(Int64(value.upperBound))
  }

  /// The count; the bytes are a part of `message` alone, and follow all others.
  mutating func writeLong(_ value: SharedBytes) {
    write(Int64(value.count))
    tail.append(value)
  }

  /// The count, then each element as `body` writes it.
  mutating func write<T>(_ values: [T], _ body: (inout ByteWriter, T) -> Void) {
    write(Int64(values.count))
    for value in values { body(&self, value) }
  }
}

/// Reads what a `ByteWriter` wrote.
///
/// - Throws: every method throws `ByteCodecError` when the bytes end early or make no sense, so that
///   a message from another program version is an error and never a crash.
struct ByteReader {
  private let bytes: SharedBytes
  private var position = 0
  /// Where long parts begin, and where the next of them does.
  private let end: Int
  private var longPosition: Int

  /// Reads what is in a writer's `bytes`.
  init(_ bytes: SharedBytes) {
    self.bytes = bytes
    end = bytes.count
    longPosition = end
  }

  /// Reads what is in a writer's `message`.
  init(message: SharedBytes) throws(ByteCodecError) {
    guard message.count >= 8 else { throw .endOfBytes }
    let count = message.integer(at: 0, as: Int64.self)
    guard count >= 0, count <= message.count - 8 else { throw .endOfBytes }
    bytes = message
    position = 8
    end = 8 + Int(count)
    longPosition = end
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws(ByteCodecError) -> T {
    let start = position
    try skip(MemoryLayout<T>.size)
    return bytes.integer(at: start, as: T.self)
  }

  mutating func bool() throws(ByteCodecError) -> Bool { try integer(UInt8.self) != 0 }

  mutating func double() throws(ByteCodecError) -> Double {
    Double(bitPattern: try integer(UInt64.self))
  }

  mutating func byteArray() throws(ByteCodecError) -> [UInt8] {
    let count = try count(elementSize: 1)
    let start = position
    try skip(count)
    return bytes[start..<start + count].array
  }

  /// A long part, which stays where it is.
  mutating func longBytes() throws(ByteCodecError) -> SharedBytes {
    let count = Int(try integer(Int64.self))
    guard count >= 0, count <= bytes.count - longPosition else { throw .endOfBytes }
    defer { longPosition += count }
    return bytes[longPosition..<longPosition + count]
  }

  mutating func string() throws(ByteCodecError) -> String {
    String(decoding: try byteArray(), as: UTF8.self)
  }

  mutating func range() throws(ByteCodecError) -> Range<Int> {
    let lower = Int(try integer(Int64.self))
    let upper = Int(try integer(Int64.self))
    guard 0 <= lower, lower <= upper else { throw .invalid("range \(lower)..<\(upper)") }
    return lower..<upper
  }

  mutating func array<T>(
    _ element: (inout ByteReader) throws(ByteCodecError) -> T
  ) throws(ByteCodecError) -> [T] {
    let count = try count(elementSize: 1)
    var result: [T] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try element(&self)) }
    return result
  }

  private mutating func count(elementSize: Int) throws(ByteCodecError) -> Int {
    let count = Int(try integer(Int64.self))
    guard count >= 0, count <= end - position else { throw .endOfBytes }
    return count
  }

  private mutating func skip(_ count: Int) throws(ByteCodecError) {
    guard count <= end - position else { throw .endOfBytes }
    position += count
  }
}

/// Why bytes are not the message they should be.
enum ByteCodecError: Error, Equatable, CustomStringConvertible {
  case endOfBytes
  case invalid(String)

  var description: String {
    switch self {
    case .endOfBytes: "a message between ranks ended early; do all ranks run the same decaf?"
    case .invalid(let what):
      "a message between ranks held \(what); do all ranks run the same decaf?"
    }
  }
}
