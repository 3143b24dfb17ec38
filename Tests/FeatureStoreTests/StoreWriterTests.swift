import Files
import Formats
import Foundation
import Images
import Tensors
import Testing

@testable import FeatureStore

@Suite struct StoreWriterTests {
  private let temporary: TemporaryFolder
  private let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  @Test(arguments: [ElementType.float32, .float16], [nil, 1, 4, 11, 100])
  func bytesDoNotDependOnBatchesOrOrder(_ dtype: ElementType, _ rowsPerShard: Int?) throws {
    let job = SampleJob(rowsPerShard: rowsPerShard, dtype: dtype)
    let reference = try job.make(at: path, size: 11)
    #expect(reference.keys.contains("store.json") && !reference.keys.contains("lock"))
    for (size, seed) in [(1, UInt64(2)), (2, 3), (5, 4), (7, 5)] {
      #expect(try job.make(at: temporary.sub("other-\(size)"), size: size, seed: seed) == reference)
    }
  }

  @Test func filesAreNamedByShard() throws {
    let files = try SampleJob().make(at: path)
    #expect(
      files.keys.sorted() == [
        "fc6-pre-00000-of-00003.npy", "fc6-pre-00001-of-00003.npy", "fc6-pre-00002-of-00003.npy",
        "pool5-00000-of-00003.npy", "pool5-00001-of-00003.npy", "pool5-00002-of-00003.npy",
        "rows.tsv", "store.json",
      ])
    let one = try SampleJob(rowsPerShard: nil).make(at: temporary.sub("one"))
    #expect(one.keys.sorted() == ["fc6-pre.npy", "pool5.npy", "rows.tsv", "store.json"])
  }

  @Test func completeStoreOfTheSameJobIsLeftAlone() throws {
    let job = SampleJob()
    let files = try job.make(at: path)
    let writer = try job.open(path)
    #expect(writer.isComplete && writer.unfinished.isEmpty)
    #expect(writer.failedRowCount == 2 && writer.finishedRowCount == 11)
    try writer.complete(list: job.list)
    try writer.close()
    #expect(try contents(of: path) == files)
    // Nothing failed, nothing to retry.
    let sound = SampleJob(failing: [])
    try sound.make(at: temporary.sub("sound"))
    #expect(try sound.open(temporary.sub("sound"), retryFailed: true).isComplete)
  }

  @Test func otherJobIsNamedByWhatDiffers() throws {
    let job = SampleJob()
    let files = try job.make(at: path)
    var other = job
    other.provenance.kernelClass = "avx512"
    other.provenance.layers[1] = LayerSpec(name: "fc6", fileStem: "fc6", shape: [3])
    do {
      _ = try other.open(path)
      Issue.record("accepted")
    } catch StoreError.otherJob(_, let differences) {
      #expect(
        differences == [
          "layers: the store has pool5,fc6:pre, this job has pool5,fc6",
          "kernelClass: the store has avx2, this job has avx512",
        ])
    }
    #expect(try contents(of: path) == files)
    // A running one as well.
    let running = temporary.sub("running")
    try job.run(try job.open(running), limit: 1)
    #expect(throws: StoreError.self) { try other.open(running) }
  }

  @Test func overwritingRemovesOnlyWhatIsTheStores() throws {
    let old = SampleJob(rowsPerShard: 2, weights: "old")
    let writer = try old.open(path)
    try writer.recordRun(.object(["run": .number(1)]))
    try old.run(writer)
    try writer.complete(list: old.list)
    try writeFile(path + "/notes.npy", [1])
    try writeFile(path + "/runs/mine.json", [2])
    let job = SampleJob()
    let reference = try job.make(at: temporary.sub("reference"))
    let replacing = try job.open(path, overwrite: true)
    try job.run(replacing)
    try replacing.complete(list: job.list)
    var files = try contents(of: path)
    #expect(files.removeValue(forKey: "notes.npy") == [1])
    #expect(files == reference)
    #expect(try FileSystem.names(in: path + "/runs") == ["mine.json"])
  }

  @Test func overwritingContinuesTheSameJobAndRedoesACompleteOne() throws {
    let job = SampleJob()
    let writer = try job.open(path, overwrite: true)
    try job.run(writer, limit: 2)
    let unfinished = writer.unfinished
    try writer.close()
    let continued = try job.open(path, overwrite: true)
    #expect(continued.unfinished == unfinished && !unfinished.isEmpty)
    try job.run(continued)
    try continued.complete(list: job.list)
    #expect(try job.open(path, overwrite: true).unfinished == [0..<11])
  }

  @Test func foreignFolderIsRefusedAndLeftAsItIs() throws {
    for foreign in ["thesis.tex", "lock"] {
      let folder = temporary.sub(foreign + "-folder")
      try restore([foreign: Array("important".utf8)], at: folder)
      for overwrite in [false, true] {
        do {
          _ = try SampleJob().open(folder, overwrite: overwrite)
          Issue.record("accepted")
        } catch StoreError.folderInUse(_, let found) { #expect(found == foreign) }
      }
      #expect(try contents(of: folder) == [foreign: Array("important".utf8)])
    }
    let file = temporary.sub("file")
    try writeFile(file, [])
    do {
      _ = try SampleJob().open(file)
      Issue.record("accepted")
    } catch StoreError.cannotMake {}
  }

  @Test func rowsInFlightAreKnownAfterAKill() throws {
    let job = SampleJob()
    let writer = try job.open(path)
    #expect(writer.inFlightAtLastExit.isEmpty)
    for rows in [0..<3, 3..<6, 6..<9] { try writer.recordStarted(rows) }
    let (batch, data) = job.batch(3..<6)
    try writer.recordFinished(batch, rows: data)
    try writer.flush()
    let (lost, lostData) = job.batch(6..<9)
    try writer.recordFinished(lost, rows: lostData)  // never flushed
    #expect(writer.unfinished == [0..<3, 9..<11])
    writer.lock?.release()
    let resumed = try job.open(path)
    #expect(resumed.inFlightAtLastExit == [0..<3, 6..<9])
    #expect(resumed.unfinished == [0..<3, 6..<11])
    // Not yet tried again when it is killed again: still the ones to suspect.
    resumed.lock?.release()
    #expect(try job.open(path).inFlightAtLastExit == [0..<3, 6..<9])
  }

  @Test func finishedWorkIsRecordedWithinTwoSeconds() throws {
    let job = SampleJob()
    let writer = try job.open(path)
    let (batch, data) = job.batch(0..<3)
    try writer.recordFinished(batch, rows: data)
    let size = try readFile(path + "/journal").count
    try writer.flushIfDue(now: .now)
    #expect(try readFile(path + "/journal").count == size)
    try writer.flushIfDue(now: .now + .seconds(1))
    #expect(try readFile(path + "/journal").count > size)
  }

  @Test func closingRecordsEverything() throws {
    let job = SampleJob()
    let writer = try job.open(path)
    let (batch, data) = job.batch(0..<3)
    try writer.recordFinished(batch, rows: data)
    try writer.close()
    #expect(try job.open(path).unfinished == [3..<11])
  }

  @Test func rowsThatArriveDamagedAreRefused() throws {
    let job = SampleJob()
    let writer = try job.open(path)
    var (batch, data) = job.batch(0..<3)
    data[1][5] ^= 1
    #expect(throws: StoreError.rowsCorrupted(rows: 0..<3, layer: "fc6:pre")) {
      try writer.recordFinished(batch, rows: data)
    }
    (batch, data) = job.batch(0..<3)
    try writer.recordFinished(batch, rows: data)
    #expect(writer.unfinished == [3..<11])
  }

  @Test func failedRowsAreRetriedOnlyWhenAskedTo() throws {
    let failing = SampleJob(dtype: .float16)
    try failing.make(at: path)
    let mended = SampleJob(dtype: .float16, failing: [9])
    let writer = try mended.open(path, retryFailed: true)
    #expect(writer.unfinished == [2..<3, 9..<10])
    try mended.run(writer, limit: 1)
    try writer.close()
    // Begun, it goes on, asked to or not.
    let resumed = try mended.open(path)
    #expect(resumed.unfinished.count == 1)
    try mended.run(resumed)
    try resumed.complete(list: mended.list)
    #expect(try contents(of: path) == mended.make(at: temporary.sub("reference")))
  }

  @Test func workersMayWriteInPlace() throws {
    let job = SampleJob(rows: 23, rowsPerShard: 5)
    let reference = try job.make(at: temporary.sub("reference"))
    let writer = try job.open(path)
    // Batches cross shards; two workers and the coordinator take turns.
    let workers = try (0..<2).map { _ in
      try RowFiles(path, provenance: job.provenance, nonce: writer.nonce)
    }
    for (i, rows) in job.batches(writer.unfinished, size: 7, seed: 3).enumerated() {
      let (batch, data) = job.batch(rows)
      if i % 3 == 2 {
        try writer.recordFinished(batch, rows: data)
        continue
      }
      for (layer, bytes) in data.enumerated() {
        try workers[i % 3].write(rows: rows, layer: layer, SharedBytes(bytes))
      }
      try workers[i % 3].synchronize()
      try writer.recordFinished(batch, rows: nil)
    }
    try writer.complete(team: ThreadTeam(threadCount: 2), list: job.list)
    #expect(try contents(of: path) == reference)
  }

  /// Whatever the shards and the batches, a changed byte costs the batch it is in and nothing else.
  @Test(arguments: [(nil, 7), (5, 7), (5, 2), (2, 7), (1, 3)] as [(Int?, Int)], [1, 3])
  func everyRowIsCheckedOnAnyTeam(shape: (rowsPerShard: Int?, batch: Int), threads: Int) throws {
    let job = SampleJob(rows: 23, rowsPerShard: shape.rowsPerShard)
    let layout = StoreLayout(job.provenance)
    let team = ThreadTeam(threadCount: threads)
    for row in 0..<job.rowCount {
      let folder = temporary.sub("row-\(row)")
      let writer = try job.open(folder)
      try job.run(writer, size: shape.batch)
      let (shard, rows) = layout.pieces(of: row..<row + 1)[0]
      let layer = row % 2
      let name = "\(folder)/\(layout.partialName(layer: layer, shard: shard))"
      var bytes = try readFile(name)
      bytes[
        layout.header(layer: layer, shard: shard).bytes.count
          + rows.lowerBound * layout.rowByteCount(layer: layer)] ^= 1
      try writeFile(name, bytes)
      let first = row / shape.batch * shape.batch
      let batch = first..<min(first + shape.batch, job.rowCount)
      #expect(throws: StoreError.rowsDamaged(path: folder, rows: [batch])) {
        try writer.complete(team: team, list: job.list)
      }
      try writer.close()
      let mended = try job.open(folder)
      #expect(mended.unfinished == [batch])
      try job.run(mended, size: shape.batch)
      try mended.complete(team: team, list: job.list)
      #expect(try contents(of: folder) == job.make(at: temporary.sub("reference-\(row)")))
    }
  }

  @Test func workerThatSeesAnotherFolderIsRefused() throws {
    let job = SampleJob()
    let writer = try job.open(path)
    let host = FileSystem.hostName
    #expect(
      throws: StoreError.differentDirectory(path: path, host: host, found: writer.lock?.holder)
    ) { try RowFiles(path, provenance: job.provenance, nonce: "other") }
    #expect(
      throws: StoreError.differentDirectory(path: temporary.path, host: host, found: nil)
    ) { try RowFiles(temporary.path, provenance: job.provenance, nonce: writer.nonce) }
  }

  @Test func manyShardsNeedFewDescriptors() throws {
    let job = SampleJob(rows: 700, rowsPerShard: 1, failing: [])
    let reference = try job.make(at: temporary.sub("reference"), size: 700)
    #expect(try job.make(at: path, size: 13) == reference)
    let openFiles = try FileSystem.names(in: "/proc/self/fd").count
    #expect(openFiles < 700)
  }

  @Test func emptyListMakesAnEmptyStore() throws {
    let job = SampleJob(rows: 0)
    let files = try job.make(at: path)
    #expect(files.count == 4)
    let store = try Store(path)
    #expect(store.rowCount == 0)
    #expect(try store.layer(named: "pool5").floats(0..<0) == [])
  }

  @Test func runRecordsAreNumbered() throws {
    let job = SampleJob()
    var writer = try job.open(path)
    try writer.recordRun(.object(["end": .null]))
    try writer.recordRun(.object(["end": .number(1)]))
    try writer.close()
    writer = try job.open(path)
    try writer.recordRun(.object(["end": .number(2)]))
    #expect(try FileSystem.names(in: path + "/runs") == ["0001.json", "0002.json"])
    #expect(try readFile(path + "/runs/0001.json") == Array("{\n  \"end\": 1\n}\n".utf8))
  }

  @Test func classesMustBeText() throws {
    var classes = SampleJob().classes
    classes.append(ByteString([0x61, 0xff]))
    #expect(throws: StoreError.invalidClass("a\u{fffd}")) {
      try StoreWriter.open(path, provenance: SampleJob().provenance, classes: classes)
    }
  }
}
