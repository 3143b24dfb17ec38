import Communication
import ConvNet
import FeatureStore
import Files
import Foundation
import Logging
import Tensors
import TestSupport
import Testing

@testable import Extraction

/// Jobs most of whose images cannot be used, on hosts that see different files; ranks are in-process
/// and say that they are elsewhere.
@Suite struct EarlyEndTests {
  /// A list of so many rows that name good images again and again, by relative paths.
  private func request(_ folder: String, rows: Int, root: String? = nil) throws
    -> ExtractionRequest
  {
    let fixture = try ExtractionJobTests.fixture.get()
    let good = (0..<ExtractionFixture.rowCount).filter { ExtractionFixture.failures[$0] == nil }
    let lines = (0..<rows).map { "images/\(good[$0 % good.count]).jpg" }
    let list = "\(folder)/list.txt"
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: list))
    var request = ExtractionRequest(RecipeOptions(transform: try InputTransform.named("caffe")))
    request.list = list
    request.root = root ?? fixture.folder
    request.model = fixture.model
    request.output = "\(folder)/store"
    request.layers = [try BlobName(parsing: "conv5:pre")]
    request.batchSize = 4
    request.progress = .log
    return request
  }

  @discardableResult
  private func run(
    _ request: ExtractionRequest, hosts: [String] = ["a"], unreadable: String? = nil,
    after count: Int = 0
  ) throws -> ExtractionSummary {
    try InProcessCommunicator.run(size: hosts.count, hosts: hosts, deadlineSeconds: 60) {
      communicator in
      try ExtractionJob(
        request, communicator: communicator, team: ThreadTeam(threadCount: 1),
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        faults: FaultInjection(
          environment: unreadable.map {
            ["DECAF_FAULT_UNREADABLE": $0, "DECAF_FAULT_UNREADABLE_AFTER": "\(count)"]
          } ?? [:])
      ).run()
    }[0]
  }

  private func contents(_ store: String) throws -> [String: Data] {
    try ExtractionFixture.contents(ofStore: store)
  }

  private func expectEnd(
    _ mentions: [String], sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
  ) {
    let failure = #expect(throws: JobFailure.self, sourceLocation: sourceLocation) { try body() }
    #expect(failure?.exitStatus == .badInput, sourceLocation: sourceLocation)
    for text in mentions {
      #expect(
        failure?.description.contains(text) ?? false, "\(String(describing: failure))",
        sourceLocation: sourceLocation)
    }
  }

  /// The wrong root, then the right one, without any option: as if nothing had been.
  @Test(arguments: [(200, ["a"]), (200, ["a", "b", "a"]), (9, ["a"]), (9, ["a", "b"])])
  func aWrongRootEndsTheJobAndLeavesNothing(rows: Int, hosts: [String]) throws {
    try withTemporaryFolder { folder in
      let wrong = try request(folder, rows: rows, root: folder)
      let first = rows == 9 ? "every image failed" : "images all failed"
      expectEnd([first, "cannot open the file", "--root", "--retry-failed", folder]) {
        try run(wrong, hosts: hosts)
      }
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store/store.json"))
      let right = try request(folder, rows: rows)
      #expect(try run(right, hosts: hosts).failedRows == 0)
      var plain = right
      plain.output = "\(folder)/plain"
      try run(plain)
      #expect(try contents("\(folder)/store") == contents("\(folder)/plain"))
    }
  }

  @Test(arguments: [GatherMode.coordinator, .direct])
  func whatOneHostCannotReadIsReadOnAnother(gather: GatherMode) throws {
    try withTemporaryFolder { folder in
      var request = try request(folder, rows: 60)
      request.gather = gather
      let summary = try run(request, hosts: ["a", "b"], unreadable: "b:images/1")
      #expect(summary.failedRows == 0 && summary.rowsNow == 60)
      #expect((summary.countsReadElsewhere["b"] ?? 0) > 0)
      #expect(summary.text(store: "s").contains("not read on b, but on another host: "))
      request.output = "\(folder)/plain"
      try run(request)
      #expect(try contents("\(folder)/store") == contents("\(folder)/plain"))
    }
  }

  /// Recorded as failed at the end, on whatever hosts.
  @Test(arguments: [GatherMode.coordinator, .direct])
  func whatNobodyCanReadFails(gather: GatherMode) throws {
    try withTemporaryFolder { folder in
      var request = try request(folder, rows: 60)
      request.gather = gather
      let summary = try run(request, hosts: ["a", "b", "c"], unreadable: ":images/1")
      #expect(summary.failedRows > 0 && summary.failedRows < 60)
      #expect(summary.failures.values.reduce(0, +) == summary.failedRows)
      request.output = "\(folder)/plain"
      try run(request, unreadable: ":images/1")
      #expect(try contents("\(folder)/store") == contents("\(folder)/plain"))
      request.retryFailed = true
      #expect(try run(request).failedRows == 0)
    }
  }

  @Test func aHostThatReadsNothingIsNamedBeforeAnythingIsComputed() throws {
    try withTemporaryFolder { folder in
      let request = try request(folder, rows: 600)
      expectEnd(["host b (rank 1) reads none of 8 images", "--root", folder]) {
        try run(request, hosts: ["a", "b"], unreadable: "b:")
      }
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
    }
  }

  /// The images that are tried at the start are there; then the mount goes away.
  @Test func aHostThatCeasesToReadIsNamed() throws {
    try withTemporaryFolder { folder in
      let request = try request(folder, rows: 600)
      expectEnd(["host b cannot read what others can", "50 files in a row", "--root"]) {
        try run(request, hosts: ["a", "b"], unreadable: "b:", after: Preflight.sampleLimit)
      }
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store/store.json"))
      let summary = try run(request)
      #expect(summary.failedRows == 0)
      #expect(summary.rowsBefore > 0)
    }
  }

  @Test func aLimitOfFailuresIsKept() throws {
    try withTemporaryFolder { folder in
      var request = try request(folder, rows: 120)
      request.maxFailures = 3
      expectEnd(["more than --max-failures 3", "--retry-failed"]) {
        try run(request, unreadable: ":images/1")
      }
      request.maxFailures = 120
      // All of them may fail: then the job goes on to the end, and still makes no store of nothing.
      expectEnd(["every image failed"]) {
        var all = request
        all.output = "\(folder)/all"
        try run(all, unreadable: ":")
      }
      let summary = try run(request, unreadable: ":images/1")
      #expect(summary.failedRows > 3)
    }
  }

  /// Stopped while rows wait for their end: they are unfinished, and nobody suspects them.
  @Test func unreadableRowsOfAStoppedRunAreReadByTheNext() throws {
    try withTemporaryFolder { folder in
      var request = try request(folder, rows: 40)
      request.maxHours = 1e-5
      let stopped = try run(request, unreadable: ":images/0")
      #expect(stopped.stopReason == "--max-hours")
      request.maxHours = nil
      #expect(try run(request).failedRows == 0)
    }
  }
}
