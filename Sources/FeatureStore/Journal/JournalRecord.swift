internal import Files
internal import Tensors

/// One line of the journal.
///
/// A line is the CRC-32C of what follows in eight hexadecimal digits, a space, and a body:
///
///     started FIRST END
///     finished FIRST END OVERFLOWS CHECKSUM,CHECKSUM…|- [TAB ROW STATUS MESSAGE]…
///     reopened FIRST END OVERFLOWS
///     root FOLDER
///
/// Every record stands for itself: one that is torn or damaged is as if it were not there, which
/// at worst makes its rows unfinished.
enum JournalRecord: Equatable, Sendable {
  /// The rows were handed out.
  case started(Range<Int>)
  /// The rows are on the device.
  case finished(FinishedRows)
  /// The rows are to be computed again, and so many overflows no longer count.
  case reopened(Range<Int>, overflowCount: Int)
  /// The folder that the list's relative paths start from, from here on.
  case root(String)

  /// The record as a line of the journal, line feed included.
  var line: [UInt8] {
    var body = [UInt8]()
    switch self {
    case .started(let rows):
      body += "started \(rows.lowerBound) \(rows.upperBound)".utf8
    case .reopened(let rows, let overflowCount):
      body += "reopened \(rows.lowerBound) \(rows.upperBound) \(overflowCount)".utf8
    case .root(let folder):
      body += "root ".utf8
      FieldEscape.append(folder.utf8, to: &body)
    case .finished(let batch):
      let checksums = batch.checksums.map { String($0, radix: 16) }.joined(separator: ",")
      body +=
        "finished \(batch.rows.lowerBound) \(batch.rows.upperBound) \(batch.overflowCount) ".utf8
      body += (checksums.isEmpty ? "-" : checksums).utf8
      for exception in batch.exceptions {
        body += "\t\(exception.row) \(exception.status.rawValue) ".utf8
        FieldEscape.append(exception.message.utf8, to: &body)
      }
    }
    return Self.framed(body)
  }

  /// `body` with its check before it and a line feed after it.
  static func framed(_ body: [UInt8]) -> [UInt8] {
    let check = String(CRC32C.of(body), radix: 16)
    let zeros = String(repeating: "0", count: 8 - check.utf8.count)
    return Array((zeros + check + " ").utf8) + body + [UInt8(ascii: "\n")]
  }

  /// The body of a line without its line feed, nil when the check does not hold.
  static func unframed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard line.count >= 9, line[line.startIndex + 8] == UInt8(ascii: " ") else { return nil }
    let check = UInt32(String(decoding: line.prefix(8), as: UTF8.self), radix: 16)
    let body = line.dropFirst(9)
    return check == CRC32C.of(Array(body)) ? body : nil
  }

  /// Whether the record can be one of this job: it has a checksum for each layer, or none.
  func fits(_ job: Provenance) -> Bool {
    guard case .finished(let batch) = self else { return true }
    return batch.checksums.isEmpty || batch.checksums.count == job.layers.count
  }

  /// Nil when `body` is no record about rows in `0..<rowCount`.
  init?(body: ArraySlice<UInt8>, rowCount: Int) {
    if body.starts(with: "root ".utf8) {
      guard let folder = FieldEscape.decode(body.dropFirst(5)) else { return nil }
      self = .root(String(decoding: folder, as: UTF8.self))
      return
    }
    let fields = body.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    let words = fields[0].split(separator: UInt8(ascii: " ")).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard words.count >= 3, let first = Int(words[1]), let end = Int(words[2]),
      first >= 0, first <= end, end <= rowCount
    else { return nil }
    let rows = first..<end
    switch (words[0], words.count, fields.count) {
    case ("started", 3, 1):
      self = .started(rows)
    case ("reopened", 4, 1):
      guard let overflowCount = Self.overflowCount(words[3]) else { return nil }
      self = .reopened(rows, overflowCount: overflowCount)
    case ("finished", 5, _):
      guard let overflowCount = Self.overflowCount(words[3]) else { return nil }
      let digits = words[4] == "-" ? [] : words[4].split(separator: ",")
      let checksums = digits.compactMap { UInt32($0, radix: 16) }
      let exceptions = fields.dropFirst().compactMap { Self.exception($0, in: rows) }
      guard checksums.count == digits.count, exceptions.count == fields.count - 1,
        zip(exceptions, exceptions.dropFirst()).allSatisfy({ $0.row < $1.row })
      else { return nil }
      self = .finished(
        FinishedRows(
          rows: rows, exceptions: exceptions, overflowCount: overflowCount, checksums: checksums))
    default: return nil
    }
  }

  /// Bounded, so that a journal of any length can be added up.
  private static func overflowCount(_ word: String) -> Int? {
    Int(word).flatMap { 0...1 << 48 ~= $0 ? $0 : nil }
  }

  private static func exception(_ field: ArraySlice<UInt8>, in rows: Range<Int>) -> RowException? {
    let parts = field.split(
      separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let row = Int(String(decoding: parts[0], as: UTF8.self)),
      rows.contains(row),
      let status = RowStatus(rawValue: String(decoding: parts[1], as: UTF8.self)),
      let message = FieldEscape.decode(parts[2])
    else { return nil }
    return RowException(
      row: row, status: status, message: String(decoding: message, as: UTF8.self))
  }
}
