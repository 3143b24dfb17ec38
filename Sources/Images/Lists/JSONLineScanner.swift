internal import Files

/// Finds the members of the JSON object (RFC 8259) that a line is.
struct JSONLineScanner {
  private let line: [UInt8]
  private var position = 0
  private var isAfterMember = false

  init(_ line: Span<UInt8>) { self.line = line.indices.map { line[$0] } }

  /// The next member, each with the quotes of its texts; nil after the last, where the line ends.
  mutating func nextMember() throws(ImageListError.Problem) -> (key: Range<Int>, value: Range<Int>)?
  {
    if position == 0 {
      try take("{", or: "an object")
      skipSpace()
      if isNext("}") { return try end() }
    } else if isNext("}") {
      return try end()
    } else {
      try take(",", or: "a comma or a closing brace")
    }
    skipSpace()
    let key = try string()
    try take(":", or: "a colon")
    skipSpace()
    let start = position
    try value()
    let member = (key, start..<position)
    skipSpace()
    return member
  }

  private mutating func end() throws(ImageListError.Problem) -> (
    key: Range<Int>, value: Range<Int>
  )? {
    position += 1
    skipSpace()
    if position < line.count { throw problem("the end of the line") }
    return nil
  }

  private func problem(_ expected: String) -> ImageListError.Problem {
    .notJSON(expected: expected, byte: position)
  }

  private func isNext(_ byte: Unicode.Scalar) -> Bool {
    position < line.count && line[position] == UInt8(ascii: byte)
  }

  private mutating func skipSpace() {
    while position < line.count, line[position].isWhiteSpace { position += 1 }
  }

  private mutating func take(
    _ byte: Unicode.Scalar, or expected: String
  ) throws(ImageListError.Problem) {
    skipSpace()
    guard isNext(byte) else { throw problem(expected) }
    position += 1
  }

  /// Steps over a text; gives its place, quotes included.
  private mutating func string() throws(ImageListError.Problem) -> Range<Int> {
    guard isNext("\"") else { throw problem("text in quotes") }
    let start = position
    position += 1
    while !isNext("\"") {
      guard position < line.count, line[position] >= 32 else { throw problem("a closing quote") }
      position += isNext("\\") ? 2 : 1
    }
    position += 1
    guard Self.text(line[start..<position]) != nil else {
      position = start
      throw problem("text with valid escapes")
    }
    return start..<position
  }

  /// Steps over a value of any kind; what stands in arrays and objects need not be right.
  private mutating func value() throws(ImageListError.Problem) {
    if isNext("\"") {
      _ = try string()
    } else if isNext("{") || isNext("[") {
      var depth = 0
      repeat {
        if isNext("\"") {
          _ = try string()
          continue
        }
        guard position < line.count else { throw problem("a closing bracket") }
        if isNext("{") || isNext("[") { depth += 1 }
        if isNext("}") || isNext("]") { depth -= 1 }
        position += 1
      } while depth > 0
    } else {
      let start = position
      while position < line.count, !",}]".utf8.contains(line[position]),
        !line[position].isWhiteSpace
      { position += 1 }
      let word = Array(line[start..<position])
      guard (try? JSONValue(parsing: word)) != nil else {
        position = start
        throw problem("a value")
      }
    }
  }

  /// What a text in quotes says, in UTF-8; nil when an escape in it is none.
  static func text(_ quoted: ArraySlice<UInt8>) -> [UInt8]? {
    if !quoted.contains(UInt8(ascii: "\\")) { return Array(quoted.dropFirst().dropLast()) }
    guard case .string(let text)? = try? JSONValue(parsing: Array(quoted)) else { return nil }
    return Array(text.utf8)
  }
}
