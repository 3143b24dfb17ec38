import Formats
import Testing

/// Protobuf's text format.
@Suite struct TextMessageTests {
  private func parse(_ text: String) throws -> TextMessage {
    try TextMessage(parsing: Array(text.utf8), source: "a.txt")
  }

  /// `name=value` of all fields, messages in brackets.
  private func flat(_ message: TextMessage) -> String {
    message.fields.map { field in
      switch field.value {
      case .word(let word): "\(field.name)=\(word)"
      case .text(let text): "\(field.name)='\(text)'"
      case .message(let message): "\(field.name)[\(flat(message))]"
      }
    }.joined(separator: " ")
  }

  @Test(arguments: [
    ("", ""),
    ("a: 1 b:-2.5e3,c : true;d: MAX", "a=1 b=-2.5e3 c=true d=MAX"),
    ("a { b: 1 } c: { d <e: 2> }", "a[b=1] c[d[e=2]]"),
    ("a: [1, 2, 3] b: [] c: [{d: 1}, {d: 2}]", "a=1 a=2 a=3 c[d=1] c[d=2]"),
    ("a: 'x' \"y\" b: \"\\n\\\\\"", "a='xy' b='\n\\'"),
    ("# a: 1\na: 2 # b: 3\r\n\tb: 4", "a=2 b=4"),
    ("\u{feff}a: 1", "a=1"),
  ])
  func fieldsAreRead(text: String, expected: String) throws {
    #expect(flat(try parse(text)) == expected)
  }

  @Test func linesAreCounted() throws {
    let message = try parse("a: 1\n\nb {\n  c: 2\n}\nd: 3")
    #expect(message.fields.map(\.line) == [1, 3, 6])
    guard case .message(let inner) = message.fields[1].value else {
      Issue.record("b is no message")
      return
    }
    #expect(inner.fields.map(\.line) == [4])
  }

  @Test(arguments: [
    ("a", 1, "the text ends behind 'a'"), ("a 1", 1, "expected ':' or '{'"),
    ("\na: }", 2, "expected a value"), ("a {\nb: 1", 2, "that began on line 1"),
    ("a: \"x\n\"", 1, "does not end on its line"), ("a: \"\\q\"", 1, "an escape"),
    ("}", 1, "expected a field's name"), ("[ext.a]: 1", 1, "expected a field's name"),
    ("a: [1, 2", 1, "the text ends"), ("a { b: 1 >", 1, "expected a field's name"),
    ("a: \u{1}", 1, "byte 1"),
  ])
  func problemsAreToldByLine(text: String, line: Int, problem: String) throws {
    let error = #expect(throws: TextFormatError.self) { try parse(text) }
    #expect(error?.line == line)
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix("a.txt, line \(line): ") == true)
  }

  @Test func depthIsBounded() throws {
    let error = #expect(throws: TextFormatError.self) {
      try parse(String(repeating: "a{", count: 100_000))
    }
    #expect(error?.problem.contains("deep") == true)
  }
}
