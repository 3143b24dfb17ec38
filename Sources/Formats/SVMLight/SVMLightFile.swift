package import Files

/// A text file of sparse rows, as SVMlight and LIBLINEAR read them: `label index:value … # comment`.
///
/// Indices ascend from 1; values that are not named are 0; `qid:` pairs are passed over. Labels are
/// numbers to the programs that read such files: `+1`, `1`, `01` and `1.0` are one label, here `1`.
package struct SVMLightFile: Sendable {
  package let rowCount: Int
  /// The largest index found.
  package let width: Int
  package let labels: [ByteString]
  private let file: MappedFile
  /// Where the line of each row starts.
  private let starts: [Int]

  /// The largest index that is read. Rows become dense: this many values are 64 MiB a row, and a line
  /// of a few bytes can ask for them.
  package static let widest = 1 << 24

  private static let separators: Set<UInt8> = [0x20, 0x09, 0x0d]

  /// Reads the whole file once.
  ///
  /// - Throws: `malformed`, with the line where the first problem is.
  package init(_ file: MappedFile) throws(FormatError) {
    self.file = file
    var labels: [ByteString] = []
    var starts: [Int] = []
    var width = 0
    try file.withSpan { bytes throws(FormatError) in
      var offset = Self.startsWithByteOrderMark(bytes) ? 3 : 0
      var line = 0
      while offset < bytes.count {
        line += 1
        do throws(ProblemError) {
          let (label, end) = try Self.row(bytes, at: offset) {
            width = max(width, $0 + 1)
            _ = $1
          }
          if let label {
            labels.append(label)
            starts.append(offset)
          }
          offset = end
        } catch { throw .malformed(path: file.path, line: line, problem: error.text) }
      }
    }
    self.labels = labels
    self.starts = starts
    self.width = width
    rowCount = starts.count
  }

  /// Appends rows, filled up with zeros to `width` values.
  package func append(_ rows: Range<Int>, width: Int, to values: inout [Float]) {
    precondition(width >= self.width, "values beyond the width")
    var base = values.count
    values.append(contentsOf: repeatElement(0, count: rows.count * width))
    file.withSpan { bytes in
      for row in rows {
        do throws(ProblemError) {
          _ = try Self.row(bytes, at: starts[row]) { values[base + $0] = $1 }
        } catch { preconditionFailure("\(file.path) changed while in use: \(error.text)") }
        base += width
      }
    }
  }

  private static func startsWithByteOrderMark(_ bytes: Span<UInt8>) -> Bool {
    let mark = ByteString.byteOrderMark
    return bytes.count >= mark.count && mark.indices.allSatisfy { bytes[$0] == mark[$0] }
  }

  /// The one text of a number's many: that of the whole number, else the shortest; text that is no
  /// number stays as it is.
  private static func canonical(_ token: [UInt8]) -> ByteString {
    let text = String(decoding: token, as: UTF8.self)
    if let whole = Int(text) { return ByteString("\(whole)") }
    // `Double` reads names and hexadecimal numbers, too.
    let isDecimal = text.utf8.allSatisfy {
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "+-.eE".utf8.contains($0)
    }
    guard isDecimal, let number = Double(text), number.isFinite else { return ByteString(token) }
    return ByteString(Int(exactly: number).map(String.init) ?? "\(number)")
  }

  /// Reads one line.
  ///
  /// - Parameter take: gets each index, from 0, and its value.
  /// - Returns: the label, nil for a blank line or a comment, and where the next line starts.
  private static func row(
    _ bytes: Span<UInt8>, at start: Int, _ take: (Int, Float) -> Void
  ) throws(ProblemError) -> (label: ByteString?, end: Int) {
    var end = start
    while end < bytes.count, bytes[end] != 0x0a { end += 1 }
    var label: ByteString?
    var last = -1
    var position = start
    while position < end {
      if separators.contains(bytes[position]) {
        position += 1
        continue
      }
      if bytes[position] == UInt8(ascii: "#") { break }
      var tokenEnd = position
      while tokenEnd < end, !separators.contains(bytes[tokenEnd]) { tokenEnd += 1 }
      var token: [UInt8] = []
      for i in position..<tokenEnd { token.append(bytes[i]) }
      position = tokenEnd
      if label == nil {
        guard !token.contains(UInt8(ascii: ":")) else {
          throw ProblemError("found “\(ByteString(token))”, expected the label first")
        }
        label = canonical(token)
        continue
      }
      guard let (index, value) = try pair(token) else { continue }
      guard index > last else {
        throw ProblemError("index \(index + 1) after \(last + 1); expected ascending ones")
      }
      last = index
      take(index, value)
    }
    return (label, min(bytes.count, end + 1))
  }

  /// Index, from 0, and value of `index:value`; nil for `qid:`.
  private static func pair(_ token: [UInt8]) throws(ProblemError) -> (Int, Float)? {
    let parts = token.split(separator: UInt8(ascii: ":"), maxSplits: 1)
    if parts.count == 2 {
      if parts[0].elementsEqual("qid".utf8) { return nil }
      let index = Int(String(decoding: parts[0], as: UTF8.self))
      let value = Float(String(decoding: parts[1], as: UTF8.self))
      if index == 0 {
        throw ProblemError("index 0; expected indices from 1, as LIBLINEAR has them")
      }
      if let index, index > widest {
        throw ProblemError("index \(index); expected at most \(widest), as rows become dense")
      }
      if let index, index > 0, let value { return (index - 1, value) }
    }
    throw ProblemError(
      "found “\(String(decoding: token, as: UTF8.self))”, expected index:value")
  }
}
