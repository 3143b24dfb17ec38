internal import Files

/// What a file or folder is: its kind, and facts by name.
struct InfoReport {
  let kind: String
  /// In the order they are printed.
  private(set) var facts: [(name: String, value: JSONValue)] = []

  init(_ kind: String) { self.kind = kind }

  mutating func add(_ name: String, _ value: String?) {
    if let value { facts.append((name, .string(value))) }
  }

  mutating func add(_ name: String, _ value: Int?) {
    if let value { facts.append((name, .number(Double(value)))) }
  }

  mutating func add(_ name: String, _ values: [String]) {
    facts.append((name, .array(values.map { .string($0) })))
  }

  /// Names and values; of long arrays their beginning.
  var lines: [(name: String, value: String)] {
    [("is", kind)] + facts.map { ($0.name, Self.text($0.value)) }
  }

  /// A line a fact.
  var text: String {
    let lines = lines
    let width = (lines.map(\.name.count).max() ?? 0) + 2
    return lines.map { name, value in
      name + String(repeating: " ", count: width - name.count) + value
    }.joined(separator: "\n")
  }

  /// The facts as members of one object; lines that people read as sizes are numbers there.
  var json: JSONValue {
    var members = Dictionary(facts.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    members["is"] = .string(kind)
    return .object(members)
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): return text
    case .array(let values):
      let shown = values.prefix(8).map(text).joined(separator: ", ")
      return values.count > 8 ? "\(values.count): \(shown), …" : shown
    default: return value.compactText
    }
  }
}
