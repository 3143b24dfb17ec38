internal import Files

/// A way in which image lists are written; one conformer a file, named in `ListFormats.all`.
///
/// A list is text. A format says where an entry of it ends and where an entry's fields are; nothing
/// is copied before someone asks for a field, so that an index of offsets is all that a list of a
/// hundred million entries needs.
protocol ListFormat: Sendable {
  /// What the names of such lists end in, in lower case: `.tsv`.
  static var nameEndings: [String] { get }
  /// For messages: “a .tsv file with a header”.
  static var summary: String { get }

  /// - Parameter nameEnding: the one of `nameEndings` that the list's name has.
  init(nameEnding: String)

  /// Whether an entry's text may hold line feeds.
  var entriesSpanLines: Bool { get }

  /// Takes the first line that is neither blank nor a comment, if the format has a header.
  ///
  /// - Returns: whether it was one; else it is an entry.
  mutating func takeHeader(_ line: Span<UInt8>) throws(ImageListError.Problem) -> Bool

  /// Where the entry that begins at `start` ends: at a line feed, or at the end of the text.
  func entryEnd(in text: Span<UInt8>, from start: Int) throws(ImageListError.Problem) -> Int

  /// Finds the fields of an entry.
  ///
  /// - Parameter line: the entry without its line ending; not blank.
  func fields(of line: Span<UInt8>) throws(ImageListError.Problem) -> ListFields

  /// The text of a field, without quotes and escapes.
  func bytes(of field: Range<Int>, in line: Span<UInt8>) -> [UInt8]

  /// Whether the text of a field is empty.
  func isEmpty(_ field: Range<Int>, in line: Span<UInt8>) -> Bool
}

/// Where the fields of one entry are in its text; they may still be quoted.
struct ListFields {
  var path: Range<Int>
  /// Nil or empty when there is no label.
  var label: Range<Int>?
  /// The four box fields; empty when the list has no boxes.
  var box: [Range<Int>] = []
}

/// Where an entry is in a list.
struct ListEntryRange {
  /// Its text.
  var text: Range<Int>
  /// Where the next one begins; beyond the end after the last.
  var next: Int
}

extension ListFormat {
  var entriesSpanLines: Bool { false }

  func takeHeader(_ line: Span<UInt8>) throws(ImageListError.Problem) -> Bool { false }

  func entryEnd(in text: Span<UInt8>, from start: Int) throws(ImageListError.Problem) -> Int {
    var end = start
    while end < text.count && text[end] != .lineFeed { end += 1 }
    return end
  }

  func bytes(of field: Range<Int>, in line: Span<UInt8>) -> [UInt8] {
    field.map { line[$0] }
  }

  func isEmpty(_ field: Range<Int>, in line: Span<UInt8>) -> Bool { field.isEmpty }

  /// The label of an entry, without the white space around it; nil when nothing else is there.
  func label(_ fields: ListFields, in line: Span<UInt8>) -> ByteString? {
    guard let field = fields.label else { return nil }
    let label = ByteString(bytes(of: field, in: line)).trimmed
    return label.bytes.isEmpty ? nil : label
  }

  /// The entry that begins at `start`, without its line feed or carriage return and line feed.
  func entry(
    in text: Span<UInt8>, from start: Int
  ) throws(ImageListError.Problem) -> ListEntryRange {
    let end = try entryEnd(in: text, from: start)
    let hasCarriageReturn = end > start && text[end - 1] == .carriageReturn
    return ListEntryRange(text: start..<(hasCarriageReturn ? end - 1 : end), next: end + 1)
  }
}

/// The formats that a list can have.
enum ListFormats {
  static let all: [any ListFormat.Type] = [TableList.self, JSONLinesList.self, LineList.self]

  /// The format that a list's name stands for: lines, where no other format has its ending.
  static func format(ofListNamed path: String) -> any ListFormat {
    let name = path.lowercased()
    for format in all {
      if let ending = format.nameEndings.first(where: name.hasSuffix) {
        return format.init(nameEnding: ending)
      }
    }
    return LineList()
  }

  /// The format of a list without a name, by its first line: an object, a header with a column `path`,
  /// or else lines.
  static func format(of text: Span<UInt8>) -> any ListFormat {
    var start = text.count >= 3 && text[0] == 0xEF ? 3 : 0
    while start < text.count {
      var end = start
      while end < text.count && text[end] != .lineFeed { end += 1 }
      let line = text.extracting(start..<end)
      start = end + 1
      if isSkipped(line) { continue }
      if line[0] == UInt8(ascii: "{") { return JSONLinesList(nameEnding: ".jsonl") }
      for (ending, separator) in [(".tsv", UInt8(ascii: "\t")), (".csv", UInt8(ascii: ","))] {
        let columns = (0..<line.count).map { line[$0] }.split(separator: separator)
        let isHeader = columns.contains { ByteString(Array($0)).trimmed == ByteString("path") }
        if isHeader { return TableList(nameEnding: ending) }
      }
      break
    }
    return LineList()
  }

  /// For messages: every format there is.
  static var summary: String { all.reversed().map { $0.summary }.joined(separator: ", ") }

  /// Blank lines and comments hold no entry, whatever the format.
  static func isSkipped(_ line: Span<UInt8>) -> Bool {
    var index = 0
    while index < line.count && line[index].isWhiteSpace { index += 1 }
    return index == line.count || line[0] == UInt8(ascii: "#")
  }
}

extension UInt8 {
  static var lineFeed: UInt8 { UInt8(ascii: "\n") }
  static var carriageReturn: UInt8 { UInt8(ascii: "\r") }
  static var slash: UInt8 { UInt8(ascii: "/") }

  /// A space or a tab, a form feed, a carriage return: what may stand between path and label.
  var isWhiteSpace: Bool { self == 32 || (9...13).contains(self) }
}
