import Files
import Foundation
import Glibc
import Images
import Tensors
import Testing

@testable import FeatureStore

/// Every instant at which a job may die, of a killed process and of lost power.
@Suite struct StoreCrashTests {
  /// A job to be interrupted: what is in the folder before, and what it does.
  struct Scenario: Sendable, CustomTestStringConvertible {
    let name: String
    var testDescription: String { name }
    let job: SampleJob
    var overwrite = false
    var retryFailed = false
    /// Makes what is in the folder before.
    let prepare: @Sendable (String) throws -> Void

    func open(_ folder: StoreFolder) throws -> StoreWriter {
      try StoreWriter.open(
        folder, provenance: job.provenance, classes: job.classes, overwrite: overwrite,
        retryFailed: retryFailed)
    }

    /// Rows of `recorded` that are to be computed again, though the command does not ask for it.
    func lost(_ recorded: RowSet, _ writer: StoreWriter, isReplaced: Bool) -> RowSet {
      // Overwriting a complete store, and retrying what failed again, is what it asks for.
      if overwrite && isReplaced { return RowSet() }
      var lost = RowSet(writer.unfinished).intersection(recorded)
      if retryFailed { for row in job.failing { lost.remove(row..<row + 1) } }
      return lost
    }
  }

  /// The store is complete and says nothing of an interruption.
  private func isReplaced(_ files: [String: [UInt8]], by reference: [String: [UInt8]]) -> Bool {
    files["store.json"] == reference["store.json"] && files["journal"] == nil
  }

  static let scenarios: [Scenario] = [
    Scenario(name: "new store", job: SampleJob()) { _ in },
    Scenario(name: "float16, one shard", job: SampleJob(rowsPerShard: nil, dtype: .float16)) {
      _ in
    },
    Scenario(name: "continued", job: SampleJob()) { path in
      try SampleJob().run(try SampleJob().open(path), limit: 2)
    },
    Scenario(name: "failed rows retried", job: SampleJob(failing: [9]), retryFailed: true) { path in
      try SampleJob(failing: [2, 9, 10]).make(at: path)
    },
    Scenario(name: "retried half-way", job: SampleJob(failing: []), retryFailed: true) { path in
      let job = SampleJob(failing: [0, 1, 2, 3, 9])
      try job.run(try job.open(path), limit: 3)
    },
    Scenario(name: "other complete store replaced", job: SampleJob(), overwrite: true) { path in
      try otherJob.make(at: path)
    },
    Scenario(name: "other running store replaced", job: SampleJob(), overwrite: true) { path in
      try otherJob.run(try otherJob.open(path), limit: 2)
    },
  ]

  static let otherJob = SampleJob(
    rows: 7, rowsPerShard: 2,
    layers: [
      LayerSpec(name: "pool5", fileStem: "pool5", shape: [5]),
      LayerSpec(name: "fc7", fileStem: "fc7", shape: [2]),
    ], weights: "other")

  @Test(arguments: scenarios)
  func anyInstantLeavesAStoreThatContinuesToTheSameBytes(_ scenario: Scenario) throws {
    let temporary = try TemporaryFolder()
    let job = scenario.job
    let reference = try job.make(at: temporary.sub("reference"), size: 4)
    let path = temporary.sub("store")
    try scenario.prepare(path)
    let before = (try? contents(of: path)) ?? [:]

    let log = ChangeLog()
    var recorded = [(changeCount: 0, rows: RowSet())]
    let writer = try scenario.open(log.folder(path))
    // What an earlier run recorded and this one does not mean to redo.
    let kept = RowSet(writer.unfinished).complement(in: 0..<job.rowCount)
    try job.run(writer) { recorded.append((log.changes.count, $0)) }
    try writer.complete(list: job.list)
    #expect(try same(contents(of: path), reference, "uninterrupted"))

    // The lock file is made before the first change.
    var disk = SimulatedDisk(before.merging(["lock": staleLock]) { old, _ in old })
    var generator = SeededGenerator(7)
    for count in 0...log.changes.count {
      if count > 0 { disk.apply(log.changes[count - 1]) }
      var durable = recorded.last { $0.changeCount <= count }!.rows
      if !scenario.overwrite { for range in kept.ranges { durable.insert(range) } }
      let powerLosses = (0..<2).map { _ in ("lost power", disk.afterPowerLoss(&generator)) }
      for (kind, files) in [("kill", disk.afterKill)] + powerLosses {
        let change = log.changes.prefix(count).last.map { "\($0)".prefix(60) } ?? "nothing"
        let hint = "\(kind) after change \(count), \(change)"
        try restore(files, at: path)
        // Whatever counts as complete is what it was before, or what it is to become.
        if let manifest = files["store.json"] {
          let audit = try StoreAudit(path, team: ThreadTeam(threadCount: 1))
          #expect(audit.problems == [], "\(hint)")
          #expect(
            manifest == before["store.json"] || manifest == reference["store.json"], "\(hint)")
        }
        let resumed = try scenario.open(StoreFolder(path))
        let lost = scenario.lost(durable, resumed, isReplaced: isReplaced(files, by: reference))
        #expect(lost.isEmpty, "recorded rows \(lost.ranges) are unfinished: \(hint)")
        try job.run(resumed, size: 2, seed: UInt64(count))
        try resumed.complete(list: job.list)
        #expect(try same(contents(of: path), reference, hint))
        if scenario.retryFailed { try continueWithoutRetrying(job, files, at: path, hint) }
      }
    }
  }

  /// A row that was being tried again either still is unfinished or is still as it failed.
  private func continueWithoutRetrying(
    _ job: SampleJob, _ files: [String: [UInt8]], at path: String, _ hint: String
  ) throws {
    try restore(files, at: path)
    let writer = try job.open(path)
    if !writer.isComplete {
      try job.run(writer)
      try writer.complete(list: job.list)
    }
    let audit = try StoreAudit(path, team: ThreadTeam(threadCount: 1))
    #expect(audit.problems == [], "\(hint)")
  }

  @Test(arguments: scenarios) func fullDiskLosesNothing(_ scenario: Scenario) throws {
    let temporary = try TemporaryFolder()
    let reference = try scenario.job.make(at: temporary.sub("reference"))
    let path = temporary.sub("store")
    var isTried = false
    var count = 0
    while !isTried {
      try? FileManager.default.removeItem(atPath: path)
      try scenario.prepare(path)
      let log = ChangeLog(limit: count, code: ENOSPC)
      var recorded = RowSet()
      do {
        let writer = try scenario.open(log.folder(path))
        try scenario.job.run(writer) { recorded = $0 }
        try writer.complete(list: scenario.job.list)
        isTried = true
      } catch StoreError.cannotWrite(let error) {
        #expect(error.isOutOfSpace)
      }
      let resumed = try scenario.open(StoreFolder(path))
      let lost = scenario.lost(recorded, resumed, isReplaced: isTried)
      #expect(lost.isEmpty, "after \(count) changes")
      try scenario.job.run(resumed)
      try resumed.complete(list: scenario.job.list)
      #expect(try same(contents(of: path), reference, "after \(count) changes"))
      count += 1
    }
    #expect(count > 20)
  }

  /// Runs that die again and again, at any point and with any loss, still end with the same bytes.
  @Test(arguments: 0..<40) func manyCrashesInARow(_ seed: Int) throws {
    let job = SampleJob(rows: 23, rowsPerShard: 5, failing: [0, 11, 22])
    let temporary = try TemporaryFolder()
    let reference = try job.make(at: temporary.sub("reference"))
    let path = temporary.sub("store")
    var generator = SeededGenerator(UInt64(seed))
    var files: [String: [UInt8]] = [:]
    var durable = RowSet()
    var isComplete = false
    for attempt in 0..<500 where !isComplete {
      try restore(files, at: path)
      let log = ChangeLog(limit: Int.random(in: 0...60, using: &generator))
      var disk = SimulatedDisk(files.merging(["lock": staleLock]) { old, _ in old })
      do {
        let writer = try StoreWriter.open(
          log.folder(path), provenance: job.provenance, classes: job.classes)
        #expect(RowSet(writer.unfinished).intersection(durable).isEmpty)
        try job.run(writer, size: 2, seed: UInt64(attempt)) { rows in
          for range in rows.ranges { durable.insert(range) }
        }
        try writer.complete(list: job.list)
        isComplete = true
      } catch StoreError.cannotWrite {}
      for change in log.changes { disk.apply(change) }
      files = Bool.random(using: &generator) ? disk.afterKill : disk.afterPowerLoss(&generator)
    }
    #expect(isComplete)
    #expect(try same(contents(of: path), reference, "seed \(seed)"))
  }

  private var staleLock: [UInt8] { Array("decaf-lock 1-2 99999999 gone\n".utf8) }

  private func same(_ a: [String: [UInt8]], _ b: [String: [UInt8]], _ hint: String) -> Bool {
    for name in Set(a.keys).union(b.keys).sorted() where a[name] != b[name] {
      let shown = [a, b].map { files in
        files[name].map { String(decoding: $0, as: UTF8.self) } ?? "none"
      }
      Issue.record("\(name) differs, \(hint):\n\(shown[0])\n---\n\(shown[1])")
    }
    return a == b
  }
}

extension RowSet {
  init(_ ranges: [Range<Int>]) {
    self.init()
    for range in ranges { insert(range) }
  }
}
