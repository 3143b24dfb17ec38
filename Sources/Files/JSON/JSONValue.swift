internal import Foundation

/// A JSON document as a value, with one text for every value.
package indirect enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// Integers are exact up to 2⁵³. JSON has neither infinity nor NaN: they are written as `null`.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// What `value` encodes to.
  ///
  /// - Throws: what its `encode(to:)` throws.
  package init(encoding value: some Encodable) throws {
    self = try JSONParser.parse([UInt8](JSONEncoder().encode(value)))
  }

  /// The document in `bytes`.
  ///
  /// - Throws: when it is not JSON.
  package init(parsing bytes: [UInt8]) throws(ProblemError) {
    self = try JSONParser.parse(bytes)
  }

  /// This document decoded as another type.
  package func decoded<T: Decodable>(_ type: T.Type) throws -> T {
    try JSONDecoder().decode(type, from: Data(compactText.utf8))
  }

  /// The member of an object, nil when it is absent or this is no object.
  package subscript(_ key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// The number, when it is an integer from 0 that is exact: up to 2⁵³.
  package var count: Int? {
    if case .number(let value) = self, let integer = Self.integer(value), integer >= 0 {
      integer
    } else {
      nil
    }
  }

  /// An array of integers, each up to 2⁵³ in magnitude.
  package static func integers(_ values: [Int]) -> JSONValue {
    .array(values.map { .number(Double($0)) })
  }

  /// Every leaf with its path (`layers[0].width`), sorted by path; empty containers are leaves.
  package var flattened: [(keyPath: String, description: String)] {
    var leaves = [(keyPath: String, description: String)]()
    collect(into: &leaves, at: "")
    return leaves
  }

  private func collect(into leaves: inout [(keyPath: String, description: String)], at path: String)
  {
    switch self {
    case .array(let elements) where !elements.isEmpty:
      for (i, element) in elements.enumerated() {
        element.collect(into: &leaves, at: "\(path)[\(i)]")
      }
    case .object(let members) where !members.isEmpty:
      for (key, value) in Self.sorted(members) {
        value.collect(into: &leaves, at: path.isEmpty ? key : "\(path).\(key)")
      }
    case .string(let text):
      leaves.append((path, text))
    default:
      leaves.append((path, compactText))
    }
  }

  static func sorted(_ members: [String: JSONValue]) -> [(key: String, value: JSONValue)] {
    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }
}

extension JSONValue: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    // In this order: a decoder may take a number for a Boolean, never the reverse.
    if container.decodeNil() {
      self = .null
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .string(text)
    } else if let bool = try? container.decode(Bool.self) {
      self = .bool(bool)
    } else if let elements = try? container.decode([JSONValue].self) {
      self = .array(elements)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value):
      if let integer = Self.integer(value) {
        try container.encode(integer)
      } else if value.isFinite {
        try container.encode(value)
      } else {
        try container.encodeNil()
      }
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

extension JSONValue {
  /// The document without white space, members sorted by the bytes of their keys.
  package var compactText: String { text(indentation: nil) }

  /// The document for people: two spaces a level, members sorted, a line feed at the end.
  package var prettyText: String { text(indentation: 0) + "\n" }

  private func text(indentation: Int?) -> String {
    var text = ""
    write(to: &text, indentation: indentation)
    return text
  }

  private func write(to text: inout String, indentation: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value):
      // A record of a run may hold what a user gave, an endless time limit too: no reason to stop.
      text += value.isFinite ? Self.integer(value).map(String.init) ?? "\(value)" : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let elements):
      Self.write("[", "]", elements, to: &text, indentation) { element, inner, text in
        element.write(to: &text, indentation: inner)
      }
    case .object(let members):
      Self.write("{", "}", Self.sorted(members), to: &text, indentation) { member, inner, text in
        Self.write(member.key, to: &text)
        text += inner == nil ? ":" : ": "
        member.value.write(to: &text, indentation: inner)
      }
    }
  }

  private static func write<T>(
    _ opening: String, _ closing: String, _ items: [T], to text: inout String,
    _ indentation: Int?, _ body: (T, Int?, inout String) -> Void
  ) {
    let inner = indentation.map { $0 + 2 }
    text += opening
    for (i, item) in items.enumerated() {
      if i > 0 { text += "," }
      if let inner { text += "\n" + String(repeating: " ", count: inner) }
      body(item, inner, &text)
    }
    if let indentation, !items.isEmpty {
      text += "\n" + String(repeating: " ", count: indentation)
    }
    text += closing
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  /// The integer that `value` is exactly, so that 256 and 256.0 have one text.
  private static func integer(_ value: Double) -> Int? {
    abs(value) <= 0x1p53 ? Int(exactly: value) : nil
  }
}
