import Files
import Tensors
import Testing

@testable import FeatureStore

/// A journal whose last record was torn: it is cut off, so that nothing of it follows new records.
@Suite struct TornJournalTests {
  @Test(arguments: [1, 8, 9, 20]) func tornRecordIsCutOffTheFile(_ kept: Int) throws {
    let job = SampleJob()
    let temporary = try TemporaryFolder()
    let path = temporary.sub("store")
    let writer = try job.open(path)
    try job.run(writer, limit: 2)
    try writer.close()
    let sound = try readFile(path + "/journal")
    let torn = JournalRecord.finished(job.batch(9..<11).batch).line.prefix(kept)
    try writeFile(path + "/journal", sound + torn)
    let resumed = try job.open(path)
    #expect(try readFile(path + "/journal") == sound)
    #expect(resumed.notes.isEmpty)
    // The shortest record there is: what was torn would reach beyond it.
    try resumed.recordStarted(0..<1)
    #expect(try readFile(path + "/journal") == sound + JournalRecord.started(0..<1).line)
    try resumed.close()
  }

  /// Damage in the middle stays where it is, and the end is where the last sound record ends.
  @Test func damagedLinesBeforeTheEndStay() throws {
    let job = SampleJob()
    let temporary = try TemporaryFolder()
    let path = temporary.sub("store")
    let writer = try job.open(path)
    try job.run(writer, limit: 2)
    try writer.close()
    var bytes = try readFile(path + "/journal")
    let line = bytes.lastIndex(of: UInt8(ascii: "s"))!
    bytes[line] ^= 1
    let record = JournalRecord.started(0..<1).line
    try writeFile(path + "/journal", bytes + record + Array("torn".utf8))
    let resumed = try job.open(path)
    #expect(resumed.notes.count == 1 && resumed.notes[0].contains("journal: 1;"))
    #expect(try readFile(path + "/journal") == bytes + record)
    try resumed.close()
  }
}
