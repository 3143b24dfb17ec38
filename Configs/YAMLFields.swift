internal import Yams

/// Takes the fields of a YAML mapping one by one and notes everything that is wrong with them, so
/// that all problems are reported at once.
package struct YAMLFields {
  private let prefix: String
  private var nodes: [(key: String, node: Node)] = []
  private var problems: [String] = []

  /// The top level of a YAML text; it may start with a byte order mark.
  package init(_ text: String) {
    prefix = ""
    do {
      guard let node = try YAMLText.compose(text) else {
        problems = ["found nothing, expected “key: value” lines"]
        return
      }
      take(node, what: "the text")
    } catch let error as YAMLText.ManyAliases {
      problems = ["\(error)"]
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

  /// Whether the key is there and not taken yet; for keys that may be left out.
  package func has(_ key: String) -> Bool { nodes.contains { $0.key == key } }

  /// The fields below `key`.
  package mutating func section(_ key: String) -> YAMLFields {
    var section = YAMLFields(prefix: "\(prefix)\(key).")
    if let node = remove(key) { section.take(node, what: prefix + key) }
    return section
  }

  /// The fields of each item of the list below `key`.
  package mutating func sections(_ key: String) -> [YAMLFields] {
    guard let node = remove(key) else { return [] }
    guard let items = node.sequence else {
      problems.append("\(prefix)\(key): expected a list")
      return []
    }
    return items.enumerated().map { index, item in
      var section = YAMLFields(prefix: "\(prefix)\(key)[\(index)].")
      section.take(item, what: "\(prefix)\(key)[\(index)]")
      return section
    }
  }

  /// The names of the fields that nobody took yet, in the order of the text.
  package var keys: [String] { nodes.map(\.key) }

  package mutating func string(_ key: String) -> String? {
    value(key, expected: "text") { $0.string }
  }

  package mutating func bool(_ key: String) -> Bool? {
    value(key, expected: "true or false") { $0.bool }
  }

  package mutating func integer(_ key: String) -> Int? {
    value(key, expected: "a whole number") { $0.wholeNumber }
  }

  /// Of any size, infinite and NaN too: the reader knows its bounds.
  package mutating func number(_ key: String) -> Double? {
    value(key, expected: "a number") { $0.number }
  }

  package mutating func numbers(_ key: String) -> [Double]? {
    list(key, expected: "a list of numbers") { $0.number }
  }

  package mutating func integers(_ key: String) -> [Int]? {
    list(key, expected: "a list of whole numbers") { $0.wholeNumber }
  }

  /// A whole number, or a list of two.
  package mutating func oneOrTwo(_ key: String) -> [Int]? {
    value(key, expected: "a whole number, or a list of two: [height, width]") { node in
      if let number = node.wholeNumber { return [number] }
      let numbers = node.sequence.map { $0.compactMap(\.wholeNumber) }
      return numbers?.count == 2 && node.sequence?.count == 2 ? numbers : nil
    }
  }

  package mutating func strings(_ key: String) -> [String]? {
    list(key, expected: "a list of texts") { $0.scalar?.string }
  }

  package mutating func choice<T: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: T.Type
  ) -> T? {
    let names = T.allCases.map(\.rawValue).joined(separator: " or ")
    return value(key, expected: names) { $0.string.flatMap(T.init(rawValue:)) }
  }

  package mutating func choices<T: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: T.Type
  ) -> [T]? {
    let names = T.allCases.map(\.rawValue).joined(separator: " or ")
    return list(key, expected: "a list of \(names)") { $0.string.flatMap(T.init(rawValue:)) }
  }

  /// Notes a problem with a value that was taken.
  package mutating func note(_ key: String, _ problem: String) {
    problems.append("\(prefix)\(key): \(problem)")
  }

  /// Every problem found; fields that nobody took are among them.
  package func finish() -> [String] {
    problems + nodes.map { "\(prefix)\($0.key): unknown key" }
  }

  private mutating func list<T>(
    _ key: String, expected: String, _ read: (Node) -> T?
  ) -> [T]? {
    value(key, expected: expected) { node in
      guard let items = node.sequence else { return nil }
      let values = items.compactMap(read)
      return values.count == items.count ? values : nil
    }
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
  /// A decimal number, with or without a decimal point; `.nan` and `.inf`, too, for the reader to say
  /// with all else that is wrong what it expected instead.
  ///
  /// Not what YAML 1.1 makes of it, where `1:30:00` is 5400 and `010` is 8: nobody who writes these
  /// here means that.
  fileprivate var number: Double? {
    guard let text = scalar?.string else { return nil }
    switch text.lowercased() {
    case ".nan": return .nan
    case ".inf", "+.inf": return .infinity
    case "-.inf": return -.infinity
    default: break
    }
    let isDecimal = text.utf8.allSatisfy {
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "+-.eE".utf8.contains($0)
    }
    return isDecimal ? Double(text) : nil
  }

  /// A decimal integer without leading zeros.
  fileprivate var wholeNumber: Int? {
    guard let text = scalar?.string, let number = Int(text) else { return nil }
    let digits = text.utf8.drop { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
    return digits.count > 1 && digits.first == UInt8(ascii: "0") ? nil : number
  }
}
