package import Yams

/// YAML that somebody else may have written.
package enum YAMLText {
  /// More than anybody writes by hand.
  package static let mostBytes = 1 << 20

  /// Aliases of groups of aliases of groups … grow by a power with each: a few lines can stand for
  /// more values than there is memory (“billion laughs”), and comparing keys walks them all.
  private static let mostAliases = 16

  /// A text with so many aliases is none that is read.
  package struct ManyAliases: Error, CustomStringConvertible {
    package var description: String {
      "found more than \(YAMLText.mostAliases) aliases (*name), expected plain values"
    }
  }

  /// The document's root, nil where there is none; the text may start with a byte order mark.
  ///
  /// - Throws: `ManyAliases`; what the parser says of text that is not YAML.
  package static func compose(_ text: String) throws -> Node? {
    if hasManyAliases(text) { throw ManyAliases() }
    let mark: Unicode.Scalar = "\u{feff}"
    let text = text.unicodeScalars.first == mark ? String(text.unicodeScalars.dropFirst()) : text
    return try Yams.compose(yaml: text)
  }

  private static func hasManyAliases(_ text: String) -> Bool {
    var count = 0
    var isStart = true
    for byte in text.utf8 {
      if byte == UInt8(ascii: "*") && isStart { count += 1 }
      isStart = " \t\r\n[{,:?-".utf8.contains(byte)
    }
    return count > mostAliases
  }
}
