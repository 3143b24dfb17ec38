package import Files
internal import Images
internal import Tensors

/// `rows.tsv`: what each row of a store is, read from a memory map.
///
/// Holds four bytes a row and eight every 64 rows; paths and messages stay in the file.
package struct RowTable: Sendable {
  /// One line of the table.
  package struct Row: Equatable, Sendable {
    /// As the image list has it.
    package let path: ByteString
    package let label: ByteString?
    package let status: RowStatus
    package let message: String
  }

  package let count: Int
  /// The file.
  var input: InputFile { file.input }
  /// The index in the store's classes of each row's label; −1 for a row without one.
  package let labelIndices: [Int32]
  /// Rows that hold NaN instead of activations.
  let failed: RowSet
  private let file: MappedFile
  /// Where every 64th line starts.
  private let landmarks: [Int]

  private static let stride = 64
  private static let headerLine = Array("row\tpath\tlabel\tstatus\tmessage\n".utf8)

  /// The shortest line there is: `0`, four tabs, `ok` and a line feed.
  private static let shortestLine = 8

  /// Reads the whole file once.
  ///
  /// - Parameter sha256: of the whole file, where it is known.
  /// - Throws: `cannotRead`; `damaged` when it does not list rows `0..<count`, in order, with
  ///   labels that are in `classes`, or is not the file of this digest.
  init(
    _ path: String, count: Int, classes: [ByteString], sha256: String? = nil
  ) throws(StoreError) {
    let file = try reading { () throws(SystemError) in try MappedFile(path) }
    self.file = file
    self.count = count
    // Before anything of the size that a manifest claims is reserved.
    guard count <= file.byteCount / Self.shortestLine else {
      throw .damaged(
        path: path, problem: "it has \(file.byteCount) bytes, too few for \(count) rows")
    }
    let indices = Dictionary(
      classes.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    var labels = [Int32]()
    var failed = RowSet()
    var landmarks = [Int]()
    do throws(ProblemError) {
      try file.withSpan { bytes throws(ProblemError) in
        guard Self.starts(bytes, with: Self.headerLine) else {
          throw ProblemError("its first line is not the header")
        }
        labels.reserveCapacity(count)
        var last: (label: [UInt8], index: Int32)?
        var offset = Self.headerLine.count
        for row in 0..<count {
          if row % Self.stride == 0 { landmarks.append(offset) }
          let line = try RowLine(bytes, at: offset, row: row)
          if line.status == .failed { failed.insert(row..<row + 1) }
          // Lists are often sorted by label: most lines repeat the last one.
          if line.label.isEmpty {
            labels.append(-1)
          } else if let last, Self.equals(bytes, line.label, last.label) {
            labels.append(last.index)
          } else {
            let label = try line.text(bytes, line.label)
            guard let index = indices[ByteString(label)] else {
              throw ProblemError(
                "row \(row) has the label \(ByteString(label)), which is no class of the store")
            }
            // Kept as it is in the file, escapes and all.
            last = (line.label.map { bytes[$0] }, index)
            labels.append(index)
          }
          offset = line.end
        }
        guard offset == bytes.count else {
          throw ProblemError("it goes on after \(count) rows")
        }
      }
      if let sha256, file.sha256.hexadecimal != sha256 {
        throw ProblemError("its SHA-256 differs from the manifest's")
      }
    } catch { throw .damaged(path: path, problem: error.text) }
    labelIndices = labels
    self.failed = failed
    self.landmarks = landmarks
  }

  package var failedCount: Int { failed.count }

  package func status(_ row: Int) -> RowStatus { failed.contains(row) ? .failed : .ok }

  package subscript(row: Int) -> Row { self[row..<row + 1][0] }

  /// Consecutive rows: their lines are read once, where one row by itself has up to 63 before it.
  package subscript(rows: Range<Int>) -> [Row] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "row beyond the store")
    guard let first = rows.first, let last = rows.last else { return [] }
    return file.withSpan { bytes in
      // No further than the next landmark: in a table that changed a line may have no end.
      let next = last / Self.stride + 1
      let bytes = bytes.extracting(0..<(next < landmarks.count ? landmarks[next] : bytes.count))
      var offset: Int? = landmarks[first / Self.stride]
      var found: [Row] = []
      found.reserveCapacity(rows.count)
      for number in first / Self.stride * Self.stride...last {
        let row = Result { () throws(ProblemError) in
          guard let start = offset else { throw ProblemError("an earlier line has no end") }
          offset = nil
          let line = try RowLine(bytes, at: start, row: number)
          offset = line.end
          return number < first ? nil : try Row(line, bytes)
        }
        switch row {
        case .success(let row?): found.append(row)
        case .success(nil): break
        // `init` has read the same bytes: only a file that changed since can get here, which who
        // reads rows finds out before they count (`Store.requireUnchanged`).
        case .failure(let error) where number >= first:
          found.append(
            Row(path: ByteString(""), label: nil, status: status(number), message: error.text))
        case .failure: break
        }
      }
      return found
    }
  }

  private static func starts(_ bytes: Span<UInt8>, with prefix: [UInt8]) -> Bool {
    bytes.count >= prefix.count && equals(bytes, 0..<prefix.count, prefix)
  }

  private static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ other: [UInt8]) -> Bool {
    guard range.count == other.count else { return false }
    for i in 0..<other.count where bytes[range.lowerBound + i] != other[i] { return false }
    return true
  }
}

extension RowTable {
  /// The header line.
  static var header: [UInt8] { headerLine }

  /// Appends the line of one row.
  static func append(_ row: Int, _ entry: Row, to bytes: inout [UInt8]) {
    let tab = UInt8(ascii: "\t")
    bytes += String(row).utf8
    bytes.append(tab)
    FieldEscape.append(entry.path.bytes, to: &bytes)
    bytes.append(tab)
    FieldEscape.append(entry.label?.bytes ?? [], to: &bytes)
    bytes.append(tab)
    bytes += entry.status.rawValue.utf8
    bytes.append(tab)
    FieldEscape.append(entry.message.utf8, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
}

extension RowTable.Row {
  /// What a line says.
  fileprivate init(_ line: RowLine, _ bytes: Span<UInt8>) throws(ProblemError) {
    path = ByteString(try line.text(bytes, line.path))
    label = line.label.isEmpty ? nil : ByteString(try line.text(bytes, line.label))
    status = line.status
    message = String(decoding: try line.text(bytes, line.message), as: UTF8.self)
  }
}

/// Where the fields of one line are.
private struct RowLine {
  var path = 0..<0
  var label = 0..<0
  var message = 0..<0
  var status = RowStatus.ok
  /// Just after the line feed.
  var end = 0

  /// - Throws: when the line at `offset` is not that of `row`.
  init(_ bytes: Span<UInt8>, at offset: Int, row: Int) throws(ProblemError) {
    var number = 0
    var statusRange = 0..<0
    var start = offset
    for field in 0..<5 {
      let terminator = field == 4 ? UInt8(ascii: "\n") : UInt8(ascii: "\t")
      var position = start
      var hasEscape = false
      while position < bytes.count, bytes[position] != terminator {
        if bytes[position] == UInt8(ascii: "\n") { throw Self.broken(row) }
        if bytes[position] == UInt8(ascii: "\\") { hasEscape = true }
        position += 1
      }
      guard position < bytes.count else { throw Self.broken(row) }
      let range = start..<position
      // Here and not where someone asks for the field: by then it is too late for an error.
      if hasEscape { _ = try text(bytes, range) }
      switch field {
      case 0:
        guard (1...18).contains(range.count) else { throw Self.broken(row) }
        for i in range {
          guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[i] else { throw Self.broken(row) }
          number = number * 10 + Int(bytes[i]) - 48
        }
      case 1: path = range
      case 2: label = range
      case 3: statusRange = range
      default: message = range
      }
      start = position + 1
    }
    end = start
    guard number == row else { throw Self.broken(row) }
    if statusRange.count == 2, bytes[statusRange.lowerBound] == UInt8(ascii: "o"),
      bytes[statusRange.lowerBound + 1] == UInt8(ascii: "k")
    {
      status = .ok
    } else if statusRange.map({ bytes[$0] }) == Array(RowStatus.failed.rawValue.utf8) {
      status = .failed
    } else {
      throw Self.broken(row)
    }
  }

  func text(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProblemError) -> [UInt8] {
    var field = [UInt8]()
    field.reserveCapacity(range.count)
    for i in range { field.append(bytes[i]) }
    guard let text = FieldEscape.decode(field) else {
      throw ProblemError("a field has an unknown escape: \(ByteString(field))")
    }
    return text
  }

  private static func broken(_ row: Int) -> ProblemError {
    ProblemError("line \(row + 2) is not that of row \(row)")
  }
}
