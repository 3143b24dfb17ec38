internal import Files
internal import Tensors

/// The append-only record of a running job: first line the job, then what became of its rows.
///
/// The first line is written with the file, in one step, so a journal always says whose it is.
/// Appending is two steps for the caller: `append`, which a killed process cannot undo, and
/// `synchronize`, which a lost power supply cannot.
final class Journal {
  private let folder: StoreFolder
  private let file: PositionedFile
  private var end: Int

  private static let magic = "decaf-journal"
  private static let version = 1

  /// Opens the journal for appending after byte `end`; what follows, a torn record, is cut off.
  init(_ folder: StoreFolder, end: Int) throws(SystemError) {
    self.folder = folder
    self.end = end
    file = try folder.open(StoreLayout.journal)
    if try file.byteCount() != end {
      try folder.resize(StoreLayout.journal, file, to: end)
    }
  }

  /// Replaces the journal, in one step, by one of this job with these records.
  ///
  /// - Returns: where it ends.
  @discardableResult
  static func write(
    _ folder: StoreFolder, _ provenance: Provenance, _ records: [JournalRecord] = []
  ) throws(SystemError) -> Int {
    let bytes = firstLine(provenance) + records.flatMap(\.line)
    try folder.replace(StoreLayout.journal, with: bytes)
    return bytes.count
  }

  private static func firstLine(_ provenance: Provenance) -> [UInt8] {
    JournalRecord.framed(Array("\(magic) \(version) \(provenance.json.compactText)".utf8))
  }

  /// Appends the records in one write.
  ///
  /// - Throws: `SystemError`; part of a record may then be in the file and will be ignored.
  func append(_ records: [JournalRecord]) throws(SystemError) {
    let bytes = records.flatMap(\.line)
    try folder.write(bytes, at: end, of: StoreLayout.journal, file)
    end += bytes.count
  }

  /// Returns when everything appended is on the device.
  func synchronize() throws(SystemError) {
    try folder.synchronize(StoreLayout.journal, file)
  }

  /// What a journal holds, read line by line.
  struct Contents {
    let provenance: Provenance
    /// Where the last sound record ends.
    let end: Int
    /// Lines before `end` whose check does not hold.
    let damagedRecordCount: Int
    /// The first of them says whose journal it is, and does so no more.
    let isFirstLineDamaged: Bool

    /// What damage costs, in words.
    var notes: [String] {
      if damagedRecordCount == 0 { return [] }
      return [
        """
        damaged lines of the journal: \(damagedRecordCount); the rows they told of are computed \
        again, but do check that disk
        """
      ]
    }
  }

  /// Calls `visit` with every sound record, in order.
  ///
  /// - Parameter expected: the job that wants the journal: its first line is known however damaged.
  /// - Throws: `unusableJob` when the first line does not say whose journal it is,
  ///   `unsupportedVersion`, `cannotRead`.
  static func read(
    _ folder: StoreFolder, expecting expected: Provenance? = nil, _ visit: (JournalRecord) -> Void
  ) throws(StoreError) -> Contents {
    var provenance: Provenance?
    var isFirstLineDamaged = false
    var end = 0
    var damaged = 0
    var damagedBeforeEnd = 0
    try forEachLine(folder) { line, lineEnd throws(StoreError) in
      let body = JournalRecord.unframed(line)
      guard let job = provenance else {
        isFirstLineDamaged = body == nil
        provenance = try job(line, body, expected, folder)
        end = lineEnd
        return true
      }
      if let body, let record = JournalRecord(body: body, rowCount: job.list.rows),
        record.fits(job)
      {
        visit(record)
        end = lineEnd
        damagedBeforeEnd = damaged
      } else {
        damaged += 1
      }
      return true
    }
    guard let provenance else { throw unreadable(folder) }
    return Contents(
      provenance: provenance, end: end,
      damagedRecordCount: damagedBeforeEnd + (isFirstLineDamaged ? 1 : 0),
      isFirstLineDamaged: isFirstLineDamaged)
  }

  /// Whose journal it is; reads the first line only.
  ///
  /// - Throws: as `read`.
  static func job(
    _ folder: StoreFolder, expecting expected: Provenance? = nil
  ) throws(StoreError) -> Provenance {
    var provenance: Provenance?
    try forEachLine(folder) { line, _ throws(StoreError) in
      provenance = try job(line, JournalRecord.unframed(line), expected, folder)
      return false
    }
    guard let provenance else { throw unreadable(folder) }
    return provenance
  }

  /// The job that the first line names, or `expected` when the line is what damage left of its line.
  ///
  /// Of a check of 32 bits and what it checks, damage in one place leaves the other whole: either is
  /// proof enough, and neither can be of another job.
  private static func job(
    _ line: ArraySlice<UInt8>, _ body: ArraySlice<UInt8>?, _ expected: Provenance?,
    _ folder: StoreFolder
  ) throws(StoreError) -> Provenance {
    guard body == nil, let expected else { return try parseJob(body, folder) }
    let own = firstLine(expected).dropLast()
    guard line.prefix(8) == own.prefix(8) || line.dropFirst(9) == own.dropFirst(9) else {
      throw unreadable(folder)
    }
    return expected
  }

  private static func parseJob(_ body: ArraySlice<UInt8>?, _ folder: StoreFolder)
    throws(StoreError) -> Provenance
  {
    guard let body else { throw unreadable(folder) }
    let parts = body.split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard parts.count == 3, parts[0].elementsEqual(magic.utf8),
      let found = Int(String(decoding: parts[1], as: UTF8.self))
    else { throw unreadable(folder) }
    guard found == version else {
      throw .unsupportedVersion(
        path: folder.path(of: StoreLayout.journal), found: found, supported: version)
    }
    guard
      let provenance = try? JSONValue(parsing: Array(parts[2])).decoded(Provenance.self),
      provenance.problem == nil
    else { throw unreadable(folder) }
    return provenance
  }

  private static func unreadable(_ folder: StoreFolder) -> StoreError {
    .unusableJob(
      path: folder.path, problem: "the first line of its journal does not name a job")
  }

  /// Calls `body` with every line that has a line feed, without it, and the offset after it, until
  /// it returns false.
  private static func forEachLine(
    _ folder: StoreFolder, _ body: (ArraySlice<UInt8>, Int) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let file = try reading { () throws(SystemError) in
      try PositionedFile(folder.path(of: StoreLayout.journal), .read)
    }
    var pending = [UInt8]()
    var offset = 0
    while true {
      let piece = try reading { () throws(SystemError) in try file.read(1 << 20, at: offset) }
      if piece.isEmpty { return }
      let pendingStart = offset - pending.count
      // A line feed can only be in what is new.
      var searched = pending.count
      pending += piece
      offset += piece.count
      var start = 0
      while let feed = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        guard try body(pending[start..<feed], pendingStart + feed + 1) else { return }
        start = feed + 1
        searched = start
      }
      pending.removeFirst(start)
    }
  }
}
