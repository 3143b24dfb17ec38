import Foundation
import TestSupport
import Testing

/// A disk without room for more rows: what was finished is recorded to the last batch.
@Suite(.serialized) struct FullDiskTests {
  /// From here on the process can write no file beyond so many bytes; what is there stays.
  private func limit(_ process: Int32, toBytes count: Int) throws {
    let run = try Program(path: "/usr/bin/prlimit", ranks: nil).run(
      ["--pid", "\(process)", "--fsize=\(count)"])
    try #require(run.status == 0, "\(run.errors)")
  }

  @Test(arguments: ["coordinator", "direct"])
  func everyBatchThatWasWrittenIsRecorded(gather: String) throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 120)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(
        store, list: list, "--batch", "4", "--layers", "pool5", "--gather", gather)
      let running = try Program.decaf.start(
        arguments, environment: ["DECAF_FAULT_DELAY": "40"])
      CommandFixture.waitForRecords(store, in: running)
      try #require(running.process.isRunning, "the job was over before the disk was full")
      // A row of pool5 is 9216 numbers, and a header 128 bytes: row 82 is the first without room, and
      // the batch that it is in begins at row 80.
      try limit(running.process.processIdentifier, toBytes: 128 + 82 * 4 * 9216 + 100)
      let full = running.wait()
      #expect(full.status == 73, "\(full.errors)")
      #expect(full.errors.contains("pool5"), "\(full.errors)")
      let resumed = try Program.decaf.run(arguments)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("80 of 120 rows are recorded already"), "\(resumed.errors)")
      #expect(try Program.decaf.run(["verify", store]).status == 0)
    }
  }

  /// A worker's own disk: its error is the status of the whole job, and what was recorded stays.
  @Test func rankThatCannotWriteEndsAllWithItsStatus() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 120)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(
        store, list: list, "--batch", "4", "--layers", "pool5", "--gather", "direct")
      let running = try Program.decaf.on(ranks: 2).start(
        arguments, environment: ["DECAF_FAULT_DELAY": "40"])
      CommandFixture.waitForRecords(store, in: running)
      let rank = try #require(Processes.ranks(of: running.process.processIdentifier)[1])
      try limit(rank, toBytes: 128 + 60 * 4 * 9216)
      let full = running.wait()
      #expect(full.status == 73, "\(full.errors)")
      #expect(full.errors.contains("rank 1"), "\(full.errors)")
      let resumed = try Program.decaf.on(ranks: 2).run(arguments)
      #expect(resumed.status == 0 && resumed.errors.contains("rows are recorded already"))
    }
  }
}
