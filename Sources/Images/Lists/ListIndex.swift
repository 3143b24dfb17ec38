internal import Files

/// Where the entries of a list are, and which labels they have: the result of reading it once.
struct ListIndex: Sendable {
  let format: any ListFormat
  /// The offset of each entry.
  private(set) var starts: [Int] = []
  private(set) var labelledCount = 0
  /// Whether any path depends on where the list's images are said to be.
  private(set) var hasRelativePaths = false
  let classes: [ByteString]

  /// Checks every line of `text`.
  ///
  /// - Parameters:
  ///   - path: for messages.
  ///   - format: what the list's name stands for.
  ///   - lineLimit: the number of lines, or more.
  ///   - isDone: gets ranges of `text` that have been read, now and then.
  init(
    _ text: Span<UInt8>, path: String, format: any ListFormat, lineLimit: Int,
    isDone: (Range<Int>) -> Void
  ) throws(ImageListError) {
    if let found = Self.notAList(text, path: path) { throw .notAList(path: path, found: found) }
    // Reserved at once, since a growing array takes up to three times the memory.
    starts.reserveCapacity(lineLimit)
    var done = 0

    var format = format
    var isAfterHeader = false
    var labels = Set<ByteString>()
    // As written, quotes and spaces and all; and whether it is a label at all.
    var lastField: [UInt8] = []
    var isLabel = false
    var start = text.hasByteOrderMark ? 3 : 0
    var lineNumber = 1
    do throws(ImageListError.Problem) {
      while start < text.count {
        let entry = try format.entry(in: text, from: start)
        let line = text.extracting(entry.text)
        if !ListFormats.isSkipped(line) {
          let isHeader = isAfterHeader ? false : try format.takeHeader(line)
          isAfterHeader = true
          if !isHeader {
            let fields = try format.fields(of: line)
            guard !format.isEmpty(fields.path, in: line) else { throw .missingPath }
            starts.append(start)
            if !hasRelativePaths, line[fields.path.lowerBound] != .slash {
              hasRelativePaths = format.bytes(of: fields.path, in: line).first != .slash
            }
            if let field = fields.label, !format.isEmpty(field, in: line) {
              // Most lists are sorted by class, so that a label is the one before.
              if !line.extracting(field).isEqual(to: lastField) {
                lastField = field.map { line[$0] }
                let label = format.label(fields, in: line)
                isLabel = label != nil
                if let label {
                  guard label.utf8String != nil else { throw .invalidLabel(label) }
                  labels.insert(label)
                }
              }
              if isLabel { labelledCount += 1 }
            }
          }
        }
        lineNumber += 1
        if format.entriesSpanLines {
          for index in line.indices where line[index] == .lineFeed { lineNumber += 1 }
        }
        start = entry.next
        if start - done > 1 << 26 {
          isDone(done..<start)
          done = start
        }
      }
    } catch { throw .malformed(path: path, line: lineNumber, error) }
    self.format = format
    classes = ByteString.classes(of: labels)
  }

  /// What `text` is when it is certainly no list that can be read; nil when it may be one.
  private static func notAList(_ text: Span<UInt8>, path: String) -> String? {
    var beginning: [UInt8] = []
    for index in 0..<min(text.count, 1024) { beginning.append(text[index]) }
    let name = path.lowercased()
    if name.hasSuffix(".json") { return "JSON; a list is .jsonl, an object a line" }
    let format = FileSignature(beginning)
    // Text may start like a format by chance: the path BMW/1.jpg like BMP.
    let isBinary = beginning.contains { $0 < 32 && !$0.isWhiteSpace }
    guard isBinary || format == .markup || format == .gitLFS else { return nil }
    return format?.description ?? "binary data"
  }
}

extension Span<UInt8> {
  fileprivate func isEqual(to bytes: [UInt8]) -> Bool {
    guard count == bytes.count else { return false }
    for index in indices where self[index] != bytes[index] { return false }
    return true
  }

  /// The text starts with the three bytes by which some programs mark UTF-8.
  fileprivate var hasByteOrderMark: Bool {
    count >= 3 && self[0] == 0xEF && self[1] == 0xBB && self[2] == 0xBF
  }
}
