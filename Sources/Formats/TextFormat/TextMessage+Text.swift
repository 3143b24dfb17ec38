extension TextMessage {
  /// The message as text, from which parsing makes the same fields.
  package var text: String { lines(indentation: "").joined(separator: "\n") + "\n" }

  private func lines(indentation: String) -> [String] {
    fields.flatMap { field -> [String] in
      switch field.value {
      case .word(let word): return ["\(indentation)\(field.name): \(word)"]
      case .text(let text): return ["\(indentation)\(field.name): \"\(Self.escaped(text))\""]
      case .message(let message):
        return ["\(indentation)\(field.name) {"]
          + message.lines(indentation: indentation + "  ") + ["\(indentation)}"]
      }
    }
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "\n": escaped += "\\n"
      case "\"", "\\": escaped += "\\\(character)"
      default: escaped.append(character)
      }
    }
  }

  /// The first field of that name that is a message.
  package func message(_ name: String) -> TextMessage? {
    for field in fields where field.name == name {
      if case .message(let message) = field.value { return message }
    }
    return nil
  }

  /// The first field of that name that is a number, a word or a text, as it is written.
  package func string(_ name: String) -> String? { strings(name).first }

  /// All of them.
  package func strings(_ name: String) -> [String] {
    fields.compactMap { field in
      guard field.name == name else { return nil }
      switch field.value {
      case .word(let word): return word
      case .text(let text): return text
      case .message: return nil
      }
    }
  }

  /// Sets a field of that name, in place of all that are there, or behind the others.
  package mutating func set(_ name: String, _ value: Value) {
    let field = Field(name: name, line: line, value: value)
    guard let place = fields.firstIndex(where: { $0.name == name }) else {
      fields.append(field)
      return
    }
    fields[place] = field
    fields = fields.enumerated().filter { $0.offset <= place || $0.element.name != name }
      .map(\.element)
  }
}
