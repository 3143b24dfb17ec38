/// A message in protobuf's text format, as Caffe's `.prototxt` files are: names with values, in order,
/// each with its line.
///
/// Source: *Text Format Language Specification* (protobuf.dev). Of it, extensions and `Any` are not
/// read; lists are taken apart into repeated fields.
package struct TextMessage: Sendable {
  package struct Field: Sendable {
    package let name: String
    /// Counted from 1.
    package let line: Int
    package let value: Value

    package init(name: String, line: Int, value: Value) {
      (self.name, self.line, self.value) = (name, line, value)
    }
  }

  package enum Value: Sendable {
    /// A number or a word, as it is written.
    case word(String)
    /// Text in quotes.
    case text(String)
    case message(TextMessage)
  }

  /// Where it begins.
  package let line: Int
  package var fields: [Field] = []

  package init(line: Int) { self.line = line }

  /// Reads a file's bytes.
  ///
  /// - Parameter source: its name, for messages.
  /// - Throws: `TextFormatError`; also when there are more than 100 000 fields, or messages more than 16
  ///   deep.
  package init(parsing bytes: [UInt8], source: String) throws(TextFormatError) {
    var parser = TextMessageParser(bytes, source: source)
    self = try parser.parse()
  }
}

/// What is wrong with a text, and on which line.
package struct TextFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  package let source: String
  package let line: Int
  /// What was expected and what found.
  package let problem: String

  package init(source: String, line: Int, problem: String) {
    (self.source, self.line, self.problem) = (source, line, problem)
  }

  package var description: String { "\(source), line \(line): \(problem)" }
}
