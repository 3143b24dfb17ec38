internal import Files

/// Columns under a header, separated by tabs (`.tsv`) or commas (`.csv`, RFC 4180).
struct TableList: ListFormat {
  static let nameEndings = [".tsv", ".csv"]
  static let summary = "a .tsv or .csv file with a header"

  /// A tab, or a comma; comma-separated fields may be quoted.
  private let separator: UInt8
  private var count = Int.max
  private var path = 0
  private var label: Int?
  /// Columns `x`, `y`, `width`, `height`; empty when there are no boxes.
  private var box: [Int] = []

  init(nameEnding: String) {
    separator = UInt8(ascii: nameEnding == ".csv" ? "," : "\t")
  }

  private var allowsQuotes: Bool { separator == UInt8(ascii: ",") }

  var entriesSpanLines: Bool { allowsQuotes }

  /// Where the entry that begins at `start` ends: at a line feed outside quotes or at the end.
  func entryEnd(in text: Span<UInt8>, from start: Int) throws(ImageListError.Problem) -> Int {
    guard allowsQuotes else {
      var end = start
      while end < text.count && text[end] != .lineFeed { end += 1 }
      return end
    }
    var end = try fieldEnd(in: text, from: start)
    while end < text.count && text[end] == separator { end = try fieldEnd(in: text, from: end + 1) }
    return end
  }

  /// Splits an entry at its separators; missing fields at the end count as empty.
  func fields(of line: Span<UInt8>) throws(ImageListError.Problem) -> ListFields {
    var fields = ListFields(path: 0..<0)
    if !box.isEmpty { fields.box = Array(repeating: 0..<0, count: 4) }
    var start = 0
    var column = 0
    while start <= line.count {
      let end = try fieldEnd(in: line, from: start)
      if column == path {
        fields.path = start..<end
      } else if column == label {
        fields.label = start..<end
      } else if let side = box.firstIndex(of: column) {
        fields.box[side] = start..<end
      }
      start = end + 1
      column += 1
    }
    guard column <= count else { throw .tooManyFields(found: column, expected: count) }
    return fields
  }

  /// Where the field that begins at `start` ends: at a separator, or where the entry does.
  private func fieldEnd(in text: Span<UInt8>, from start: Int) throws(ImageListError.Problem) -> Int
  {
    var end = start
    if allowsQuotes && start < text.count && text[start] == .quote {
      end += 1
      while true {
        guard end < text.count else { throw .unterminatedQuote }
        end += 1
        if text[end - 1] == .quote {
          guard end < text.count && text[end] == .quote else { break }
          end += 1
        }
      }
    }
    while end < text.count && text[end] != separator && text[end] != .lineFeed { end += 1 }
    return end
  }

  /// The columns that a header names; columns of other names are left alone.
  mutating func takeHeader(_ header: Span<UInt8>) throws(ImageListError.Problem) -> Bool {
    var names: [ByteString] = []
    var start = 0
    while start <= header.count {
      let end = try fieldEnd(in: header, from: start)
      names.append(ByteString(bytes(of: start..<end, in: header)))
      start = end + 1
    }
    count = names.count

    var columns: [String: Int] = [:]
    let known = ["path", "label", "x", "y", "width", "height"]
    for (column, name) in names.enumerated() {
      let plain = name.description.lowercased().filter { !$0.isWhitespace }
      guard let expected = known.first(where: { $0 == plain || $0 + "s" == plain }) else {
        continue
      }
      guard name == ByteString(expected) else {
        throw .misspelledColumn(name, expected: expected)
      }
      guard columns.updateValue(column, forKey: expected) == nil else {
        throw .repeatedColumn(expected)
      }
    }
    guard let path = columns["path"] else { throw .missingColumn(found: names) }
    self.path = path
    label = columns["label"]
    let sides = known.dropFirst(2).filter { columns[$0] != nil }
    guard sides.isEmpty || sides.count == 4 else { throw .incompleteBox(found: sides) }
    box = sides.map { columns[$0]! }
    return true
  }

  /// The bytes of a field, without the quotes around it and the doubling of those in it.
  func bytes(of field: Range<Int>, in line: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(field.count)
    var index = field.lowerBound
    let isQuoted = allowsQuotes && !field.isEmpty && line[index] == .quote
    if isQuoted { index += 1 }
    while index < field.upperBound {
      if isQuoted && line[index] == .quote {
        index += 1
        // Only the second of a pair is text; a single one ends the quoted part.
        guard index < field.upperBound else { break }
      }
      bytes.append(line[index])
      index += 1
    }
    return bytes
  }

  /// A field has no bytes, or only a pair of quotes.
  func isEmpty(_ field: Range<Int>, in line: Span<UInt8>) -> Bool {
    field.isEmpty || allowsQuotes && field.count == 2 && line[field.lowerBound] == .quote
  }
}

extension UInt8 {
  fileprivate static var quote: UInt8 { UInt8(ascii: "\"") }
}
