internal import Yams

/// Takes the fields of a YAML mapping one by one and notes everything that is wrong with them, so
/// that all problems are reported at once.
struct YAMLFields {
  private let prefix: String
  private var nodes: [(key: String, node: Node)] = []
  private var problems: [String] = []

  /// The top level of a YAML text.
  init(_ text: String) {
    prefix = ""
    do {
      guard let node = try Yams.compose(yaml: text) else {
        problems = ["found nothing, expected “key: value” lines"]
        return
      }
      take(node, what: "the text")
    } catch {
      problems = ["not YAML: \(error)"]
    }
  }

  private init(prefix: String) { self.prefix = prefix }

  private mutating func take(_ node: Node, what: String) {
    guard let mapping = node.mapping else {
      problems.append("\(what) is not a group of “key: value” lines")
      return
    }
    nodes = mapping.map { ($0.key.string ?? "?", $0.value) }
  }

  /// The fields below `key`.
  mutating func section(_ key: String) -> YAMLFields {
    var section = YAMLFields(prefix: "\(prefix)\(key).")
    if let node = remove(key) { section.take(node, what: prefix + key) }
    return section
  }

  mutating func string(_ key: String) -> String? {
    value(key, expected: "text") { $0.string }
  }

  mutating func integer(_ key: String) -> Int? {
    value(key, expected: "a whole number") { $0.int }
  }

  mutating func number(_ key: String) -> Double? {
    value(key, expected: "a number") { $0.number }
  }

  mutating func numbers(_ key: String) -> [Double]? {
    value(key, expected: "a list of numbers") { node in
      guard let items = node.sequence else { return nil }
      let numbers = items.compactMap(\.number)
      return numbers.count == items.count ? numbers : nil
    }
  }

  mutating func choice<T: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: T.Type
  ) -> T? {
    let names = T.allCases.map(\.rawValue).joined(separator: " or ")
    return value(key, expected: names) { $0.string.flatMap(T.init(rawValue:)) }
  }

  /// Every problem found; fields that nobody took are among them.
  func finish() -> [String] {
    problems + nodes.map { "\(prefix)\($0.key): unknown key" }
  }

  private mutating func value<T>(_ key: String, expected: String, _ read: (Node) -> T?) -> T? {
    guard let node = remove(key) else { return nil }
    let value = read(node)
    if value == nil {
      let found = node.scalar.map { "“\($0.string)”" } ?? "a list or group"
      problems.append("\(prefix)\(key): found \(found), expected \(expected)")
    }
    return value
  }

  private mutating func remove(_ key: String) -> Node? {
    guard let index = nodes.firstIndex(where: { $0.key == key }) else {
      problems.append("\(prefix)\(key): missing")
      return nil
    }
    return nodes.remove(at: index).node
  }
}

extension Node {
  /// A number with or without a decimal point.
  fileprivate var number: Double? { float ?? int.map(Double.init) }
}
