internal import Files

/// How the entries of an image list are written: what its extension and header say.
enum ListSyntax: Equatable, Sendable {
  /// A path per line, or `path label`.
  case lines
  /// Columns under a header, tab- or comma-separated.
  case table(Columns)

  /// Where the columns of a table are.
  struct Columns: Equatable, Sendable {
    /// A tab, or a comma; comma-separated fields may be quoted (RFC 4180).
    var separator: UInt8
    var count: Int
    var path: Int
    var label: Int?
    /// Columns `x`, `y`, `width`, `height`; empty when there are no boxes.
    var box: [Int]

    var allowsQuotes: Bool { separator == UInt8(ascii: ",") }
  }

  /// Where the fields of one entry are in its text; fields may still be quoted.
  struct Fields {
    var path: Range<Int>
    /// Nil or empty when there is no label.
    var label: Range<Int>?
    /// The four box fields; empty when the list has no boxes.
    var box: [Range<Int>] = []
  }

  var allowsQuotes: Bool {
    if case .table(let columns) = self { columns.allowsQuotes } else { false }
  }

  /// Finds the fields of an entry.
  ///
  /// - Parameter text: the entry without its line ending; not blank.
  func fields(of text: Span<UInt8>) throws(ImageListError.Problem) -> Fields {
    switch self {
    case .lines: Self.splitLine(text)
    case .table(let columns): try columns.split(text)
    }
  }
}

// MARK: Entries

extension ListSyntax {
  struct Entry {
    /// Where its text is.
    var range: Range<Int>
    /// Where the next one begins; beyond the end after the last.
    var next: Int
  }

  /// The entry that begins at `start`, without its line feed or carriage return and line feed.
  func entry(in text: Span<UInt8>, from start: Int) throws(ImageListError.Problem) -> Entry {
    var end = start
    if case .table(let columns) = self, columns.allowsQuotes {
      end = try columns.entryEnd(in: text, from: start)
    } else {
      while end < text.count && text[end] != .lineFeed { end += 1 }
    }
    let hasCarriageReturn = end > start && text[end - 1] == .carriageReturn
    return Entry(range: start..<(hasCarriageReturn ? end - 1 : end), next: end + 1)
  }

  /// Blank lines and comments hold no entry.
  static func isSkipped(_ text: Span<UInt8>) -> Bool {
    var index = 0
    while index < text.count && text[index].isWhiteSpace { index += 1 }
    return index == text.count || text[0] == UInt8(ascii: "#")
  }
}

// MARK: Lines

extension ListSyntax {
  /// What follows the last white space is a label unless it ends like an image's name: then the
  /// path has a space in it.
  private static func splitLine(_ text: Span<UInt8>) -> Fields {
    var end = text.count
    while end > 0 && text[end - 1].isWhiteSpace { end -= 1 }
    var label = end
    while label > 0 && !text[label - 1].isWhiteSpace { label -= 1 }
    var path = label
    while path > 0 && text[path - 1].isWhiteSpace { path -= 1 }
    guard path > 0, !hasImageExtension(text.extracting(label..<end)) else {
      return Fields(path: 0..<end)
    }
    return Fields(path: 0..<path, label: label..<end)
  }

  /// Extensions that mark a file name as an image's, also of formats that are then refused.
  static let imageExtensions = [
    "jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "tif", "tiff", "heic", "heif",
    "avif",
    "jp2", "ppm", "pgm", "mpo",
  ].map { Array($0.utf8) }

  static func hasImageExtension(_ name: Span<UInt8>) -> Bool {
    var dot = name.count - 1
    while dot >= 0 && name[dot] != UInt8(ascii: ".") { dot -= 1 }
    let count = name.count - dot - 1
    guard dot >= 0, (3...4).contains(count) else { return false }
    return imageExtensions.contains { candidate in
      // Setting bit 5 makes ASCII letters lower case.
      candidate.count == count
        && candidate.indices.allSatisfy { candidate[$0] == name[dot + 1 + $0] | 32 }
    }
  }
}

// MARK: Tables

extension ListSyntax.Columns {
  /// Splits an entry at its separators; missing fields at the end count as empty.
  func split(_ text: Span<UInt8>) throws(ImageListError.Problem) -> ListSyntax.Fields {
    var fields = ListSyntax.Fields(path: 0..<0)
    if !box.isEmpty { fields.box = Array(repeating: 0..<0, count: 4) }
    var start = 0
    var column = 0
    while start <= text.count {
      let end = try fieldEnd(in: text, from: start)
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

  /// Where the entry that begins at `start` ends: at a line feed outside quotes or at the end.
  fileprivate func entryEnd(
    in text: Span<UInt8>, from start: Int
  ) throws(ImageListError.Problem) -> Int {
    var end = try fieldEnd(in: text, from: start)
    while end < text.count && text[end] == separator { end = try fieldEnd(in: text, from: end + 1) }
    return end
  }

  /// The columns that a header names; columns of other names are left alone.
  init(header: Span<UInt8>, separator: UInt8) throws(ImageListError.Problem) {
    self.init(separator: separator, count: .max, path: 0, label: nil, box: [])
    var names: [ByteString] = []
    var start = 0
    while start <= header.count {
      let end = try fieldEnd(in: header, from: start)
      names.append(ByteString(header.field(start..<end, unquoting: allowsQuotes)))
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
  }
}

extension UInt8 {
  static var lineFeed: UInt8 { UInt8(ascii: "\n") }
  static var carriageReturn: UInt8 { UInt8(ascii: "\r") }
  static var quote: UInt8 { UInt8(ascii: "\"") }

  /// A space or a tab, a form feed, a carriage return: what may stand between path and label.
  var isWhiteSpace: Bool { self == 32 || (9...13).contains(self) }
}

extension Span<UInt8> {
  /// The bytes of a field, without the quotes around it and the doubling of those in it.
  func field(_ range: Range<Int>, unquoting: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    var index = range.lowerBound
    let isQuoted = unquoting && !range.isEmpty && self[index] == .quote
    if isQuoted { index += 1 }
    while index < range.upperBound {
      if isQuoted && self[index] == .quote {
        index += 1
        // Only the second of a pair is text; a single one ends the quoted part.
        guard index < range.upperBound else { break }
      }
      bytes.append(self[index])
      index += 1
    }
    return bytes
  }
}
