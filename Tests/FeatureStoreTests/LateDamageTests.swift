import Files
import Foundation
import Tensors
import Testing

@testable import FeatureStore

/// Bytes that change on the disk after a store was opened again and before it is complete.
@Suite struct LateDamageTests {
  private let temporary: TemporaryFolder
  private let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  /// Changes one byte of a value in a file of the running job.
  private func damage(_ name: String, fromEnd distance: Int) throws {
    let file = "\(path)/\(name).partial"
    var bytes = try readFile(file)
    bytes[bytes.count - distance] ^= 1
    try writeFile(file, bytes)
  }

  /// Finishes the job, which must notice once that rows were damaged.
  private func finishNoticing(_ job: SampleJob, _ writer: StoreWriter) throws {
    try job.run(writer)
    let error = #expect(throws: StoreError.self) { try writer.complete(list: job.list) }
    guard case .rowsDamaged? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try writer.close()
    let mended = try job.open(path)
    try job.run(mended)
    try mended.complete(list: job.list)
  }

  /// Every row of a complete store that is opened to try its failed rows again stays guarded.
  @Test(arguments: [ElementType.float32, .float16], 0..<9)
  func completeStoreThatIsOpenedAgainIsGuarded(_ dtype: ElementType, row: Int) throws {
    try SampleJob(dtype: dtype).make(at: path)
    let sound = SampleJob(dtype: dtype, failing: [])
    let reference = try sound.make(at: temporary.sub("reference"))
    let writer = try sound.open(path, retryFailed: true)
    #expect(writer.unfinished == [2..<3, 9..<10])
    let name = "fc6-pre-0000\(row / 4)-of-00003.npy"
    let rows = row / 4 == 2 ? 3 : 4
    try damage(name, fromEnd: (rows - row % 4) * 3 * dtype.byteCount)
    if [2, 9].contains(row) {
      try sound.run(writer)
      try writer.complete(list: sound.list)
    } else {
      try finishNoticing(sound, writer)
    }
    #expect(try contents(of: path) == reference)
  }

  /// So do the rows of a running job's batches that its failed rows leave.
  @Test(arguments: [ElementType.float32, .float16], [1, 2, 3, 5, 11])
  func batchesThatFailedRowsLeaveAreGuarded(_ dtype: ElementType, size: Int) throws {
    let before = SampleJob(dtype: dtype)
    try before.run(before.open(path), size: size)
    let sound = SampleJob(dtype: dtype, failing: [])
    let writer = try sound.open(path, retryFailed: true)
    #expect(writer.unfinished == [2..<3, 9..<10])
    // Row 3, whose batch also held row 2 for most sizes; it goes on in the next shard for some.
    try damage("pool5-00000-of-00003.npy", fromEnd: 1)
    try finishNoticing(sound, writer)
    #expect(try contents(of: path) == sound.make(at: temporary.sub("reference")))
  }

  /// A batch that is damaged by the time its failed rows leave is computed again as a whole.
  @Test(arguments: [ElementType.float32, .float16])
  func batchesDamagedBeforeAreComputedAgain(_ dtype: ElementType) throws {
    let before = SampleJob(dtype: dtype)
    try before.run(before.open(path), size: 4)
    try damage("pool5-00000-of-00003.npy", fromEnd: 1)
    let sound = SampleJob(dtype: dtype, failing: [])
    let writer = try sound.open(path, retryFailed: true)
    #expect(writer.unfinished == [0..<4, 9..<10])
    #expect(writer.notes.count == 1 && writer.notes[0].contains("rows 0–3"))
    try sound.run(writer)
    try writer.complete(list: sound.list)
    #expect(try contents(of: path) == sound.make(at: temporary.sub("reference")))
  }

  /// The rest of a batch that reaches into a lost file has no checksum left, so it is not kept.
  @Test(arguments: [3, 5, 11]) func batchesThatReachIntoALostFileAreComputedAgain(size: Int) throws
  {
    let job = SampleJob()
    try job.run(job.open(path), size: size)
    try FileSystem.removeFile("\(path)/pool5-00001-of-00003.npy.partial")
    let writer = try job.open(path)
    let reached = (0..<11).filter { row in
      stride(from: 0, to: 11, by: size).contains { start in
        let batch = start..<min(start + size, 11)
        return batch.contains(row) && batch.overlaps(4..<8)
      }
    }
    #expect(writer.unfinished.flatMap(Array.init) == reached)
    try job.run(writer)
    try writer.complete(list: job.list)
    #expect(try contents(of: path) == job.make(at: temporary.sub("reference")))
  }

  /// Values that were infinite before they were rounded are not counted, and hide whose count is whose.
  @Test func infiniteValuesOfTheirOwnAreNotMistakenForOverflows() throws {
    var before = SampleJob(dtype: .float16)
    before.infinite = [4]
    var sound = before
    sound.failing = []
    let reference = try sound.make(at: temporary.sub("reference"))
    #expect(try StoreManifest.read(StoreFolder(temporary.sub("reference")))?.overflowCount == 4)

    // Complete: which rows the count is of is unknown, so all are computed again.
    try before.make(at: path)
    let writer = try sound.open(path, retryFailed: true)
    #expect(writer.unfinished == [0..<11] && writer.overflowCount == 0)
    try sound.run(writer)
    try writer.complete(list: sound.list)
    #expect(try contents(of: path) == reference)

    // Running: only the batch is.
    try FileManager.default.removeItem(atPath: path)
    before.failing = [2]
    try before.run(before.open(path), size: 5)
    let resumed = try sound.open(path, retryFailed: true)
    #expect(resumed.unfinished == [0..<5])
    try sound.run(resumed)
    #expect(resumed.overflowCount == 4)
    try resumed.complete(list: sound.list)
    #expect(try contents(of: path) == reference)
  }

  /// Reading a large store through ends where somebody asks for it, and costs nothing but the reading.
  @Test func readingThroughStops() throws {
    let job = SampleJob()
    let files = try job.make(at: path)
    let opening = StoreOpening(
      folder: StoreFolder(path), provenance: job.provenance,
      classes: try StoreManifest.names(of: job.classes), overwrite: false, retryFailed: true,
      root: nil, stopReason: { "a test" })
    let error = StoreError.stopped(path: path, reason: "a test")
    #expect(throws: error) { try opening.run() }
    #expect(error.exitStatus == .stoppedEarly)
    #expect(try contents(of: path) == files)

    // At the end of a job: all rows stay recorded, and there is nothing to do but to read them.
    let sound = SampleJob(failing: [])
    try sound.run(sound.open(path, retryFailed: true))
    let stopping = try StoreWriter.open(
      StoreFolder(path), provenance: sound.provenance, classes: sound.classes,
      stopReason: { "a test" })
    #expect(throws: error) { try stopping.complete(list: sound.list) }
    try stopping.close()
    let last = try sound.open(path)
    #expect(last.unfinished.isEmpty)
    try last.complete(list: sound.list)
    #expect(try contents(of: path) == sound.make(at: temporary.sub("reference")))
  }
}
