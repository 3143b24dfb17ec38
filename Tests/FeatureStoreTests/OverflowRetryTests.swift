import Files
import Foundation
import Tensors
import Testing

@testable import FeatureStore

/// The count of values beyond float16 through retries and reopened rows: always that of the rows there.
@Suite struct OverflowRetryTests {
  private let temporary: TemporaryFolder
  private let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  private func job(failing: Set<Int>) -> SampleJob {
    SampleJob(rowsPerShard: 4, dtype: .float16, failing: failing)
  }

  /// Rows 1 and 6 overflow once a layer.
  @Test(arguments: [[1, 6], [6, 9], [2, 9]] as [Set<Int>], [1, 3, 11])
  func retriedRowsAreCountedOnce(_ failing: Set<Int>, size: Int) throws {
    let before = job(failing: failing)
    try before.make(at: path, size: size)
    let sound = job(failing: [])
    let reference = try sound.make(at: temporary.sub("reference"), size: 2)
    #expect(try StoreManifest.read(StoreFolder(temporary.sub("reference")))?.overflowCount == 4)
    let writer = try sound.open(path, retryFailed: true)
    #expect(writer.overflowCount == 4 - 2 * failing.intersection([1, 6]).count)
    try sound.run(writer, size: size)
    #expect(writer.overflowCount == 4)
    try writer.complete(list: sound.list)
    #expect(try contents(of: path) == reference)
  }

  /// Retried while the job is still running, and interrupted between.
  @Test func runningJobsRetryCountsOnce() throws {
    let before = job(failing: [1, 2])
    try before.run(try before.open(path), size: 2, limit: 4)
    let sound = job(failing: [])
    let writer = try sound.open(path, retryFailed: true)
    try sound.run(writer, size: 1, limit: 1)
    try writer.close()
    let resumed = try sound.open(path)
    try sound.run(resumed)
    #expect(resumed.overflowCount == 4)
    try resumed.complete(list: sound.list)
    #expect(try contents(of: path) == sound.make(at: temporary.sub("reference")))
  }

  /// A shard that is lost takes its rows' counts with it, whatever the batches were.
  @Test(arguments: [1, 3, 5, 11]) func lostRowsAreCountedOnce(size: Int) throws {
    let sound = job(failing: [])
    let reference = try sound.make(at: temporary.sub("reference"))
    try sound.run(try sound.open(path), size: size)
    try FileManager.default.removeItem(atPath: path + "/pool5-00001-of-00003.npy.partial")
    let writer = try sound.open(path)
    try sound.run(writer, size: 2)
    #expect(writer.overflowCount == 4)
    try writer.complete(list: sound.list)
    #expect(try contents(of: path) == reference)

    try FileManager.default.removeItem(atPath: path + "/pool5-00001-of-00003.npy")
    let again = try sound.open(path)
    #expect(!again.isComplete)
    try sound.run(again, size: 2)
    #expect(again.overflowCount == 4)
    try again.complete(list: sound.list)
    #expect(try contents(of: path) == reference)
  }

  /// Rows that read back damaged are reopened with their counts.
  @Test func damagedRowsAreCountedOnce() throws {
    let sound = job(failing: [])
    let writer = try sound.open(path)
    try sound.run(writer, size: 3)
    let name = path + "/fc6-pre-00000-of-00003.npy.partial"
    var bytes = try readFile(name)
    // Row 0, of four rows of three halves: in one batch with row 1, which overflows.
    bytes[bytes.count - 24] ^= 1
    try writeFile(name, bytes)
    #expect(throws: StoreError.self) { try writer.complete(list: sound.list) }
    try writer.close()
    let mended = try sound.open(path)
    try sound.run(mended)
    #expect(mended.overflowCount == 4)
    try mended.complete(list: sound.list)
    #expect(try contents(of: path) == sound.make(at: temporary.sub("reference")))
  }
}
