/// Reads a JSON document (RFC 8259), strictly.
struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  /// Deeper documents are refused before they exhaust the stack.
  private static let deepest = 256

  /// - Throws: what is wrong, and at which byte.
  static func parse(_ bytes: [UInt8]) throws(ProblemError) -> JSONValue {
    var parser = JSONParser(bytes: bytes)
    // RFC 8259, section 8.1: parsers may ignore a byte order mark.
    if bytes.starts(with: ByteString.byteOrderMark) { parser.position = 3 }
    let value = try parser.value()
    parser.skipSpace()
    guard parser.position == bytes.count else { throw parser.problem("the end") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func problem(_ expected: String) -> ProblemError {
    ProblemError("it is not JSON: expected \(expected) at byte \(position)")
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      position += 1
    }
  }

  /// Steps over `byte` if it is next.
  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  private mutating func value() throws(ProblemError) -> JSONValue {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      return try container { parser throws(ProblemError) in try parser.object() }
    case UInt8(ascii: "["):
      return try container { parser throws(ProblemError) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func container(
    _ body: (inout JSONParser) throws(ProblemError) -> JSONValue
  ) throws(ProblemError) -> JSONValue {
    guard depth < Self.deepest else { throw problem("less nesting") }
    depth += 1
    position += 1
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func object() throws(ProblemError) -> JSONValue {
    var members = [String: JSONValue]()
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      let key = try string()
      skipSpace()
      guard take(":") else { throw problem("a colon") }
      guard members.updateValue(try value(), forKey: key) == nil else {
        throw problem("no second “\(key)”")
      }
      skipSpace()
    } while take(",")
    guard take("}") else { throw problem("a comma or brace") }
    return .object(members)
  }

  private mutating func array() throws(ProblemError) -> JSONValue {
    var elements = [JSONValue]()
    skipSpace()
    if take("]") { return .array(elements) }
    repeat {
      elements.append(try value())
      skipSpace()
    } while take(",")
    guard take("]") else { throw problem("a comma or bracket") }
    return .array(elements)
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(ProblemError) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw problem(word) }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws(ProblemError) -> Double {
    let text = bytes[position...].prefix {
      switch $0 {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    // `Double` takes more than JSON does: a leading plus or point, or a trailing point.
    let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
    let fraction = digits.drop { $0 != UInt8(ascii: ".") }.dropFirst()
    guard let first = digits.first, (48...57).contains(first),
      !digits.contains(UInt8(ascii: ".")) || (48...57).contains(fraction.first ?? 0),
      first != 48 || !(48...57).contains(digits.dropFirst().first ?? 0),
      let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite
    else { throw problem("a value") }
    position += text.count
    return number
  }

  private mutating func string() throws(ProblemError) -> String {
    guard take("\"") else { throw problem("a string") }
    var text = [UInt8]()
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw problem("UTF-8 before")
        }
        return string
      case UInt8(ascii: "\\"): text += String(try escape()).utf8
      case 0..<0x20: throw problem("an escape before")
      default: text.append(byte)
      }
    }
    throw problem("a closing quote")
  }

  /// What stands after a backslash.
  private mutating func escape() throws(ProblemError) -> Unicode.Scalar {
    defer { position += 1 }
    switch next {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // A pair of surrogates stands for one scalar; the second begins after another `\u`.
      guard unit < 0xdc00, bytes[(position + 1)...].starts(with: "\\u".utf8) else {
        throw problem("a surrogate pair")
      }
      position += 2
      let second = try codeUnit()
      guard 0xdc00..<0xe000 ~= second,
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + second - 0xdc00)
      else { throw problem("a surrogate pair") }
      return scalar
    default: throw problem("an escape")
    }
  }

  /// The four digits after the `u` at `position`, which moves to the last of them.
  private mutating func codeUnit() throws(ProblemError) -> UInt32 {
    let digits = bytes[(position + 1)...].prefix(4)
    guard digits.count == 4, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
      let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw problem("four hexadecimal digits") }
    position += 4
    return unit
  }
}
