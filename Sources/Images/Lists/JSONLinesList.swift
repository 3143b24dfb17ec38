internal import Files

/// An object a line (`.jsonl`): keys `path`, `label`, `x`, `y`, `width`, `height`; others are left
/// alone.
///
/// A label may be a number, `true` or `false`: its text is the label. `null` is as good as absent.
struct JSONLinesList: ListFormat {
  static let nameEndings = [".jsonl", ".ndjson"]
  static let summary = "a .jsonl file with an object a line"

  private static let sides = ["x", "y", "width", "height"]

  init(nameEnding: String) {}

  func fields(of line: Span<UInt8>) throws(ImageListError.Problem) -> ListFields {
    var fields = ListFields(path: 0..<0)
    var box: [Range<Int>?] = [nil, nil, nil, nil]
    var seen: Set<String> = []
    var scanner = JSONLineScanner(line)
    while let (key, value) = try scanner.nextMember() {
      let name = ByteString(bytes(of: key, in: line)).description
      let side = Self.sides.firstIndex(of: name)
      guard side != nil || name == "path" || name == "label" else { continue }
      guard seen.insert(name).inserted else { throw .repeatedColumn(name) }
      let isText = line[value.lowerBound] == .quote
      let isContainer = [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(line[value.lowerBound])
      if isContainer || name == "path" && !isText && !isEmpty(value, in: line) {
        throw .notJSON(
          expected: name == "path" ? "text as path" : "text or a number as \(name)",
          byte: value.lowerBound)
      }
      if isEmpty(value, in: line) { continue }
      if let side {
        box[side] = value
      } else if name == "path" {
        fields.path = value
      } else {
        fields.label = value
      }
    }
    let given = Self.sides.indices.filter { box[$0] != nil }
    guard given.isEmpty || given.count == 4 else {
      throw .incompleteBox(found: given.map { Self.sides[$0] })
    }
    fields.box = given.map { box[$0]! }
    return fields
  }

  func bytes(of field: Range<Int>, in line: Span<UInt8>) -> [UInt8] {
    let bytes = field.map { line[$0] }
    return bytes.first == .quote ? JSONLineScanner.text(bytes[...]) ?? [] : bytes
  }

  func isEmpty(_ field: Range<Int>, in line: Span<UInt8>) -> Bool {
    if field.isEmpty { return true }
    return line[field.lowerBound] == .quote
      ? field.count == 2 : line[field.lowerBound] == UInt8(ascii: "n")
  }
}

extension UInt8 {
  fileprivate static var quote: UInt8 { UInt8(ascii: "\"") }
}
