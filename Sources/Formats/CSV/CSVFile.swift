package import Files

/// A table of numbers as text: comma-separated (RFC 4180), or separated by tabs.
///
/// With a header, the columns `path` and `label` are what they say, `row` is passed over, and all
/// others are values; without one, all are. That is what `decaf export --format csv` writes.
package struct CSVFile: Sendable {
  package let rowCount: Int
  /// Values in a row.
  package let width: Int
  /// One for each row; nil where the file has no such column.
  package let labels: [ByteString?]?
  package let paths: [ByteString]?
  private let file: MappedFile
  private let columns: CSVColumns
  /// Where each row starts.
  private let starts: [Int]

  /// Reads the whole file once.
  ///
  /// - Parameter readsValues: whether the values must be numbers; they need not where only labels are
  ///   wanted, and cannot be appended then.
  /// - Throws: `malformed`, with the line where the first problem is.
  package init(_ file: MappedFile, readsValues: Bool = true) throws(FormatError) {
    self.file = file
    let separator = UInt8(ascii: file.path.hasSuffix(".tsv") ? "\t" : ",")
    var columns: CSVColumns?
    var (starts, labels, paths) = ([Int](), [ByteString?](), [ByteString]())
    try file.withSpan { bytes throws(FormatError) in
      var line = CSVLine(separator: separator)
      var offset = CSVLine.start(of: bytes)
      var number = 1
      while offset < bytes.count {
        let start = offset
        do throws(ProblemError) {
          offset = try line.read(bytes, at: start)
          if !line.isBlank {
            if let columns {
              try columns.check(line, bytes, readsValues: readsValues)
              starts.append(start)
              if let label = columns.label { labels.append(line.text(label, bytes).labelOrNil) }
              if let path = columns.path { paths.append(line.text(path, bytes)) }
            } else {
              columns = try CSVColumns(line, bytes, separator: separator)
              // Without names the first line is a row: read it again as such.
              if columns?.hasNames == false { offset = start }
            }
          }
        } catch { throw .malformed(path: file.path, line: number, problem: error.text) }
        for i in start..<offset where bytes[i] == 0x0a { number += 1 }
      }
    }
    self.columns = columns ?? CSVColumns(separator: separator)
    width = self.columns.values.count
    rowCount = starts.count
    self.starts = starts
    self.labels = self.columns.label == nil ? nil : labels
    self.paths = self.columns.path == nil ? nil : paths
  }

  /// Appends the values of rows, row by row, rounded to single precision.
  package func append(_ rows: Range<Int>, to values: inout [Float]) {
    var line = CSVLine(separator: columns.separator)
    file.withSpan { bytes in
      for row in rows {
        do throws(ProblemError) {
          _ = try line.read(bytes, at: starts[row])
          for column in columns.values {
            values.append(try columns.number(line, column, bytes))
          }
        } catch { preconditionFailure("\(file.path) changed while in use: \(error.text)") }
      }
    }
  }
}

extension ByteString {
  fileprivate var labelOrNil: ByteString? {
    let label = trimmed
    return label.bytes.isEmpty ? nil : label
  }
}

/// Which column is what.
private struct CSVColumns {
  let separator: UInt8
  var names: [ByteString] = []
  var hasNames = true
  var path: Int?
  var label: Int?
  var values: [Int] = []

  init(separator: UInt8) { self.separator = separator }

  /// - Parameter line: the first line of the file: names, unless all its fields are numbers.
  init(_ line: CSVLine, _ bytes: Span<UInt8>, separator: UInt8) throws(ProblemError) {
    self.separator = separator
    names = line.fields.indices.map { line.text($0, bytes).trimmed }
    hasNames = !names.allSatisfy { Float($0.description) != nil }
    guard hasNames else {
      values = Array(names.indices)
      return
    }
    for (column, name) in names.enumerated() {
      switch name.description {
      case "path" where path == nil: path = column
      case "label" where label == nil: label = column
      case "path", "label": throw ProblemError("column “\(name)” appears twice in the header")
      case "row": break
      default: values.append(column)
      }
    }
  }

  /// - Throws: when the line is no row of the table.
  func check(_ line: CSVLine, _ bytes: Span<UInt8>, readsValues: Bool) throws(ProblemError) {
    guard line.fields.count == names.count else {
      throw ProblemError("found \(line.fields.count) fields, expected \(names.count)")
    }
    if readsValues { for column in values { _ = try number(line, column, bytes) } }
  }

  func number(_ line: CSVLine, _ column: Int, _ bytes: Span<UInt8>) throws(ProblemError) -> Float {
    let text = line.text(column, bytes).trimmed
    if let number = Float(text.description) { return number }
    let name = hasNames ? "column “\(names[column])”" : "column \(column + 1)"
    throw ProblemError("found “\(text)” in \(name), expected a number")
  }
}

/// Where the fields of one row are; may hold line feeds in quotes.
private struct CSVLine {
  let separator: UInt8
  private(set) var fields: [Range<Int>] = []

  private static let quote = UInt8(ascii: "\"")

  init(separator: UInt8) { self.separator = separator }

  /// Where the text begins, after a byte order mark.
  static func start(of bytes: Span<UInt8>) -> Int {
    let mark = ByteString.byteOrderMark
    return bytes.count >= mark.count && mark.indices.allSatisfy { bytes[$0] == mark[$0] }
      ? mark.count : 0
  }

  /// Nothing, or white space, in one field.
  var isBlank: Bool { fields.count == 1 && fields[0].isEmpty }

  /// Reads the row at `start`.
  ///
  /// - Returns: where the next one starts.
  mutating func read(_ bytes: Span<UInt8>, at start: Int) throws(ProblemError) -> Int {
    fields.removeAll(keepingCapacity: true)
    var position = start
    while true {
      let first = position
      if position < bytes.count, bytes[position] == Self.quote {
        position += 1
        // A pair of quotes is text: the two halves of it read as the end of one quoted part and the
        // start of the next.
        while true {
          guard position < bytes.count else {
            throw ProblemError("a quoted field never ends; close it, or write \"\" for a quote")
          }
          position += 1
          guard bytes[position - 1] == Self.quote else { continue }
          guard position < bytes.count, bytes[position] == Self.quote else { break }
          position += 1
        }
      }
      while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0a {
        position += 1
      }
      let isLast = position == bytes.count || bytes[position] == 0x0a
      let endsInReturn = isLast && position > first && bytes[position - 1] == 0x0d
      fields.append(first..<(endsInReturn ? position - 1 : position))
      if isLast { return min(bytes.count, position + 1) }
      position += 1
    }
  }

  /// A field without its quotes.
  func text(_ field: Int, _ bytes: Span<UInt8>) -> ByteString {
    var text: [UInt8] = []
    let range = fields[field]
    let isQuoted = !range.isEmpty && bytes[range.lowerBound] == Self.quote
    var position = range.lowerBound + (isQuoted ? 1 : 0)
    while position < range.upperBound {
      if isQuoted, bytes[position] == Self.quote {
        position += 1
        // Only the second of a pair is text; a single one ends the quoted part.
        guard position < range.upperBound else { break }
      }
      text.append(bytes[position])
      position += 1
    }
    return ByteString(text)
  }
}
