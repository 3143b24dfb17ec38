import Files
import Glibc
import Synchronization
import Tensors
import Testing

@testable import FeatureStore

/// A disk that is full for the large files, and has room for a line of the journal.
@Suite struct FullDiskTests {
  private let job = SampleJob()
  private let temporary: TemporaryFolder
  private let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  /// The store's folder, in which writing rows fails after so many times; of one file, if given.
  private func folder(failingAfter limit: Int, only name: String? = nil) -> StoreFolder {
    let count = Tally()
    return StoreFolder(path) { [path] change throws(SystemError) in
      guard case .write(let file, let offset, _) = change, file.hasSuffix(".npy.partial"),
        offset > 0, name == nil || file == name
      else { return }
      if count.increment() > limit { throw SystemError("write", path: path, code: ENOSPC) }
    }
  }

  private final class Tally: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }

    @discardableResult
    func increment() -> Int {
      count.withLock {
        $0 += 1
        return $0
      }
    }
  }

  /// Every batch whose rows were written before is recorded, though its flush was not due.
  @Test(arguments: 0...4) func batchesBeforeTheFailureAreRecorded(count: Int) throws {
    // Three rows of two layers, in shards of four: two to four writes a batch; the first of a batch.
    let batches = [0..<3, 3..<6, 6..<9, 9..<11]
    let writes = [2, 4, 4, 4]
    let limit = writes.prefix(count).reduce(0, +)
    let writer = try StoreWriter.open(
      folder(failingAfter: limit), provenance: job.provenance, classes: job.classes)
    var isFull = false
    for rows in batches {
      try writer.recordStarted(rows)
      isFull = try !hasRoom(for: rows, writer)
      if isFull { break }
    }
    #expect(isFull == (count < 4))
    // Whatever the caller tries now, nothing more is recorded.
    if isFull {
      #expect(throws: StoreError.self) { try writer.flush() }
      #expect(throws: StoreError.self) { try writer.recordStarted(9..<11) }
    }
    try writer.close()
    let resumed = try job.open(path)
    #expect(resumed.unfinished == (count < 4 ? [batches[count].lowerBound..<11] : []))
    try job.run(resumed)
    try resumed.complete(list: job.list)
    #expect(try contents(of: path) == job.make(at: temporary.sub("reference")))
  }

  /// Records the rows as finished; false where the disk is full.
  private func hasRoom(for rows: Range<Int>, _ writer: StoreWriter) throws -> Bool {
    let (batch, data) = job.batch(rows)
    do {
      try writer.recordFinished(batch, rows: data)
      return true
    } catch StoreError.cannotWrite(let error) {
      #expect(error.isOutOfSpace)
      return false
    }
  }

  /// A failed synchronization records nothing: what it was about may be on no device.
  @Test func failedSynchronizationRecordsNothing() throws {
    let failures = Tally()
    let failing = StoreFolder(path) { [path] change throws(SystemError) in
      if case .synchronize(let name) = change, name.hasSuffix(".npy.partial"),
        failures.value == 1
      {
        throw SystemError("synchronize", path: path, code: EIO)
      }
    }
    let writer = try StoreWriter.open(
      failing, provenance: job.provenance, classes: job.classes)
    failures.increment()
    let (batch, data) = job.batch(0..<3)
    try writer.recordFinished(batch, rows: data)
    #expect(throws: StoreError.self) { try writer.flush() }
    // The system reports an error of writing back once; the second try would succeed.
    failures.increment()
    #expect(throws: StoreError.self) { try writer.flush() }
    try writer.close()
    #expect(try job.open(path).unfinished == [0..<11])
  }
}
