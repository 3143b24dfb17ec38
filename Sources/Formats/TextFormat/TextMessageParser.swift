/// Reads protobuf's text format; see `TextMessage`.
struct TextMessageParser {
  private let bytes: [UInt8]
  private let source: String
  private var place = 0
  private var line = 1
  private var fieldCount = 0

  private static let fieldLimit = 100_000
  private static let depthLimit = 16

  init(_ bytes: [UInt8], source: String) {
    (self.bytes, self.source) = (bytes, source)
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
  }

  mutating func parse() throws(TextFormatError) -> TextMessage {
    try message(depth: 0, end: nil)
  }

  private func error(_ problem: String, line: Int? = nil) -> TextFormatError {
    TextFormatError(source: source, line: line ?? self.line, problem: problem)
  }

  /// The next byte that is neither white space nor a comment; nil at the end.
  private mutating func next() -> UInt8? {
    while place < bytes.count {
      let byte = bytes[place]
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        place += 1
      case UInt8(ascii: " "), 9, 11, 12, 13: place += 1
      case UInt8(ascii: "#"):
        while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
      default: return byte
      }
    }
    return nil
  }

  private mutating func skip(_ symbols: StaticString) -> Bool {
    guard let byte = next(), "\(symbols)".utf8.contains(byte) else { return false }
    place += 1
    return true
  }

  /// Fields up to the closing bracket `end`, which is taken too; nil reads to the end of the text.
  private mutating func message(depth: Int, end: UInt8?) throws(TextFormatError) -> TextMessage {
    guard depth <= Self.depthLimit else {
      throw error("messages more than \(Self.depthLimit) deep")
    }
    var message = TextMessage(line: line)
    while true {
      guard let byte = next() else {
        if end == nil { return message }
        throw error("the text ends inside the group that began on line \(message.line)")
      }
      if byte == end {
        place += 1
        return message
      }
      guard let name = word() else {
        throw error("expected a field's name, found \(shown(byte))")
      }
      try field(name, depth: depth, into: &message)
      _ = skip(",;")
    }
  }

  private mutating func field(
    _ name: String, depth: Int, into message: inout TextMessage
  ) throws(TextFormatError) {
    let nameLine = line
    let hasColon = skip(":")
    if skip("[") {
      while !skip("]") {
        try add(name, nameLine, try value(of: name, hasColon, depth: depth), to: &message)
        _ = skip(",")
      }
      return
    }
    try add(name, nameLine, try value(of: name, hasColon, depth: depth), to: &message)
  }

  private mutating func add(
    _ name: String, _ nameLine: Int, _ value: TextMessage.Value, to message: inout TextMessage
  ) throws(TextFormatError) {
    fieldCount += 1
    guard fieldCount <= Self.fieldLimit else { throw error("more than \(Self.fieldLimit) fields") }
    message.fields.append(TextMessage.Field(name: name, line: nameLine, value: value))
  }

  private mutating func value(
    of name: String, _ hasColon: Bool, depth: Int
  ) throws(TextFormatError) -> TextMessage.Value {
    guard let byte = next() else { throw error("the text ends behind '\(name)'") }
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "<"):
      place += 1
      let end = UInt8(ascii: byte == UInt8(ascii: "{") ? "}" : ">")
      return .message(try message(depth: depth + 1, end: end))
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return .text(try quoted())
    default:
      guard hasColon else {
        throw error("expected ':' or '{' behind '\(name)', found \(shown(byte))")
      }
      guard let word = word() else {
        throw error("expected a value of '\(name)', found \(shown(byte))")
      }
      return .word(word)
    }
  }

  /// A name, a number or a word such as `true` or `MAX`; nil when there is none.
  private mutating func word() -> String? {
    guard next() != nil else { return nil }
    let start = place
    while place < bytes.count, Self.isOfWord(bytes[place]) { place += 1 }
    return place == start ? nil : String(decoding: bytes[start..<place], as: UTF8.self)
  }

  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "_.+-".utf8.contains(byte)
    }
  }

  /// Text in quotes; several in a row are one.
  private mutating func quoted() throws(TextFormatError) -> String {
    var text = [UInt8]()
    while let quote = next(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      place += 1
      while true {
        guard place < bytes.count, bytes[place] != UInt8(ascii: "\n") else {
          throw error("text in quotes that does not end on its line")
        }
        let byte = bytes[place]
        place += 1
        if byte == quote { break }
        if byte == UInt8(ascii: "\\") {
          text.append(try escaped())
        } else {
          text.append(byte)
        }
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func escaped() throws(TextFormatError) -> UInt8 {
    guard place < bytes.count else { throw error("text in quotes that does not end on its line") }
    let byte = bytes[place]
    place += 1
    switch byte {
    case UInt8(ascii: "n"): return UInt8(ascii: "\n")
    case UInt8(ascii: "t"): return UInt8(ascii: "\t")
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): return byte
    default: throw error("an escape, \\\(shown(byte)), that is not read here")
    }
  }

  private func shown(_ byte: UInt8) -> String {
    (0x21...0x7e).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
  }
}
