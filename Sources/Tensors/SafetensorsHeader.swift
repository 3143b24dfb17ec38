/// Reads the JSON header of a safetensors file and nothing else of JSON.
///
/// An object of tensors, each `{"dtype": string, "shape": [int…], "data_offsets": [int, int]}` with
/// keys in any order, and `__metadata__`, an object of strings. Numbers are read as integers, never
/// through floating point; keys may not repeat; nothing nests deeper, so damage cannot exhaust the
/// stack.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let dtype: String
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  private(set) var metadata = [String: String]()
  private(set) var entries = [Entry]()
  private let path: String
  private let bytes: [UInt8]
  private var position = 0

  /// - Parameter bytes: the header, which begins at byte 8 of the file at `path`.
  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  /// - Throws: `SafetensorsError.malformedHeader` with the place of what is wrong.
  mutating func parse() throws(SafetensorsError) {
    guard bytes.first == UInt8(ascii: "{") else { throw malformed("expected '{'") }
    var names = Set<String>()
    try object { (parser, name) throws(SafetensorsError) in
      guard names.insert(name).inserted else { throw parser.malformed("'\(name)' occurs twice") }
      if name == "__metadata__" {
        try parser.readMetadata()
      } else {
        try parser.readTensor(name)
      }
    }
    skipSpace()
    guard position == bytes.count else { throw malformed("expected the end of the header") }
  }

  private mutating func readMetadata() throws(SafetensorsError) {
    try object { (parser, key) throws(SafetensorsError) in
      let value = try parser.string()
      guard parser.metadata.updateValue(value, forKey: key) == nil else {
        throw parser.malformed("'\(key)' occurs twice")
      }
    }
  }

  private mutating func readTensor(_ name: String) throws(SafetensorsError) {
    var dtype: String?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (parser, key) throws(SafetensorsError) in
      switch key {
      case "dtype" where dtype == nil: dtype = try parser.string()
      case "shape" where shape == nil: shape = try parser.integers()
      case "data_offsets" where offsets == nil: offsets = try parser.integers()
      default: throw parser.malformed("'\(key)' does not belong in tensor '\(name)'")
      }
    }
    guard let dtype, let shape, let offsets, offsets.count == 2 else {
      throw malformed("tensor '\(name)' needs dtype, shape and two data_offsets")
    }
    entries.append(
      Entry(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1]))
  }

  /// Reads `{"key": …, …}`; `value` gets the key and reads what follows the colon.
  private mutating func object(
    _ value: (inout Self, String) throws(SafetensorsError) -> Void
  ) throws(SafetensorsError) {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try value(&self, key)
    } while take(",")
    try expect("}")
  }

  private mutating func integers() throws(SafetensorsError) -> [Int] {
    var values = [Int]()
    try expect("[")
    if take("]") { return values }
    repeat { values.append(try integer()) } while take(",")
    try expect("]")
    return values
  }

  /// A non-negative integer without fraction or exponent.
  private mutating func integer() throws(SafetensorsError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
    {
      let digit = Int(bytes[position] - UInt8(ascii: "0"))
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(digit)
      guard !overflow, !carry else { throw malformed("the number is too large") }
      value = sum
      position += 1
    }
    guard position > start else { throw malformed("expected a non-negative integer") }
    return value
  }

  private mutating func string() throws(SafetensorsError) -> String {
    try expect("\"")
    var text = [UInt8]()
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw malformed("the string is not valid UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): text += try escape()
      case ..<0x20: throw malformed("a control character in a string")
      default: text.append(byte)
      }
    }
    throw malformed("expected the end of a string")
  }

  /// What follows a backslash, as UTF-8.
  private mutating func escape() throws(SafetensorsError) -> [UInt8] {
    guard position < bytes.count else { throw malformed("expected an escape") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        else { throw malformed("half of a surrogate pair") }
        position += 2
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw malformed("half of a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw malformed("half of a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default: throw malformed("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(SafetensorsError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue,
        bytes[position] < 0x80
      else { throw malformed("expected four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  /// Skips space, then `character` if it is next.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
    guard take(character) else { throw malformed("expected '\(character)'") }
  }

  private func malformed(_ reason: String) -> SafetensorsError {
    .malformedHeader(path: path, offset: 8 + position, reason: reason)
  }
}
