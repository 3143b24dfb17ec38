import Images
import Tensors
import Testing

@testable import FeatureStore

/// Journals and row files that are not as they were written.
@Suite struct JournalDamageTests {
  private let job = SampleJob(rows: 6, rowsPerShard: 2, failing: [4])
  private let temporary: TemporaryFolder
  private let path: String
  private let reference: [String: [UInt8]]
  /// A job whose rows are all recorded, not completed.
  private let files: [String: [UInt8]]
  private var journal: [UInt8] { files["journal"]! }
  private var firstLineEnd: Int { journal.firstIndex(of: UInt8(ascii: "\n"))! + 1 }

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
    reference = try job.make(at: temporary.sub("reference"))
    try job.run(try job.open(path))
    files = try contents(of: path)
  }

  private func finish(_ writer: StoreWriter) throws {
    try job.run(writer)
    try writer.complete(list: job.list)
    #expect(try contents(of: path) == reference)
  }

  @Test func journalCutAtAnyByteKeepsWhatIsBefore() throws {
    var unfinishedCounts = Set<Int>()
    for length in firstLineEnd...journal.count {
      try restore(files, at: path)
      try writeFile(path + "/journal", Array(journal[..<length]))
      let writer = try job.open(path)
      // Rows are unfinished exactly if the line that finishes them is not whole.
      var expected = RowSet(0..<job.rowCount)
      let lines = journal[firstLineEnd..<length].split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      for line in lines.dropLast() {
        let record = JournalRecord(body: line.dropFirst(9), rowCount: job.rowCount)
        if case .finished(let batch)? = record { expected.remove(batch.rows) }
      }
      #expect(writer.unfinished == expected.ranges)
      #expect(writer.notes.isEmpty)
      unfinishedCounts.insert(expected.count)
      try finish(writer)
    }
    #expect(unfinishedCounts.contains(0) && unfinishedCounts.contains(job.rowCount))
  }

  @Test func journalWithoutItsFirstLineIsRefusedAndOverwritten() throws {
    for length in stride(from: 0, to: firstLineEnd, by: 37) {
      try restore(files, at: path)
      try writeFile(path + "/journal", Array(journal[..<length]))
      do {
        _ = try job.open(path)
        Issue.record("accepted")
      } catch StoreError.unusableJob {}
      try finish(try job.open(path, overwrite: true))
    }
  }

  @Test func damagedByteMakesOnlyItsRowsUnfinished() throws {
    for index in firstLineEnd..<journal.count {
      var damaged = journal
      damaged[index] ^= index % 2 == 0 ? 1 : 0x80
      try restore(files, at: path)
      try writeFile(path + "/journal", damaged)
      let writer = try job.open(path)
      #expect(writer.unfinished.count <= 2, "a damaged line feed joins two lines")
      try finish(writer)
    }
  }

  @Test func rowsThatReadBackOtherwiseAreComputedAgain() throws {
    let name = path + "/pool5-00001-of-00003.npy.partial"
    var bytes = try readFile(name)
    bytes[bytes.count - 1] ^= 1
    try writeFile(name, bytes)
    do {
      try job.open(path).complete(list: job.list)
      Issue.record("damage went unnoticed")
    } catch StoreError.rowsDamaged(_, let rows) {
      // The shard's last row is row 3.
      #expect(rows.count == 1 && rows[0].contains(3))
    }
    let resumed = try job.open(path)
    #expect(resumed.unfinished.count == 1 && resumed.unfinished[0].contains(3))
    try finish(resumed)
  }

  /// And those of the batch that reaches into it, whose checksum is one of all its rows.
  @Test func missingOrShortRowFileReopensItsRows() throws {
    let name = "fc6-pre-00002-of-00003.npy.partial"
    for damaged in [nil, Array(files[name]!.dropLast())] {
      var changed = files
      changed[name] = damaged
      try restore(changed, at: path)
      let writer = try job.open(path)
      #expect(writer.unfinished == [3..<6])
      #expect(writer.notes.count == 1 && writer.notes[0].contains(name))
      // Whoever stops here has lost nothing: the journal says so, too.
      try writer.close()
      let again = try job.open(path)
      #expect(again.unfinished == [3..<6] && again.notes.isEmpty)
      try finish(again)
    }
  }

  @Test func damagedHeaderIsPutRight() throws {
    let name = "pool5-00001-of-00003.npy.partial"
    for index in 0..<128 {
      var changed = files
      changed[name]![index] ^= 4
      try restore(changed, at: path)
      let writer = try job.open(path)
      #expect(writer.unfinished.isEmpty)
      try finish(writer)
    }
  }

  @Test func damagedFirstLineIsKnownByItsJob() throws {
    for index in 0..<firstLineEnd {
      var damaged = journal
      damaged[index] ^= 1 << UInt8(index % 8)
      try restore(files, at: path)
      try writeFile(path + "/journal", damaged)
      let writer = try job.open(path)
      // A line feed within it, or none at its end, also costs the record beside it.
      #expect(writer.unfinished.count <= 1)
      try writer.close()
      #expect(try Journal.job(StoreFolder(path)) == job.provenance, "it is whole again")
      try finish(try job.open(path))
    }
  }

  @Test func damagedFirstLineOfAnotherJobIsRefused() throws {
    var damaged = journal
    damaged[40] ^= 1
    try writeFile(path + "/journal", damaged)
    let other = SampleJob(rows: 6, rowsPerShard: 2, failing: [4], weights: "other")
    do {
      _ = try other.open(path)
      Issue.record("accepted")
    } catch StoreError.unusableJob {}
    // Who only reads hears of damage, not of something to continue.
    #expect(throws: StoreError.self) { try Store(path) }
  }

  @Test func lostJournalIsExplainedAndOverwritten() throws {
    var changed = files
    changed["journal"] = nil
    try restore(changed, at: path)
    do {
      _ = try job.open(path)
      Issue.record("accepted")
    } catch StoreError.unusableJob(_, let problem) {
      #expect(problem.contains("no journal") && problem.contains(".npy.partial"))
    }
    let writer = try job.open(path, overwrite: true)
    #expect(writer.unfinished == [0..<6])
    try job.run(writer)
    try finish(writer)
  }

  @Test func forgedRecordsAreNone() throws {
    for body in [
      "finished 0 2 9223372036854775807 1,2", "finished 0 2 -1 1,2", "finished 0 2 0 1",
      "finished 0 2 0 1,2,3", "reopened 0 2 9223372036854775807", "started 0 9223372036854775807",
      "finished 0 2 0 1,2\t0 failed a\\q", "",
    ] {
      try restore(files, at: path)
      try writeFile(path + "/journal", journal + JournalRecord.framed(Array(body.utf8)))
      let writer = try job.open(path)
      #expect(writer.unfinished.isEmpty)
      try finish(writer)
    }
  }
}
