import Communication
import ConvNet
import FeatureStore
import Foundation
import Logging
import Tensors
import TestSupport
import Testing

@testable import Extraction

/// Whole extractions with in-process ranks, each a thread with its own pipeline.
@Suite struct ExtractionJobTests {
  /// How a run is spread; none of it may show in the store.
  struct Spread: CustomTestStringConvertible, Sendable {
    var ranks = 1
    var threads = 1
    var batch = 64
    var gather = GatherMode.coordinator
    var isDedicated = false

    var testDescription: String {
      "\(ranks) ranks, \(threads) threads, batches of \(batch), \(gather.rawValue)"
        + (isDedicated ? ", dedicated" : "")
    }
  }

  /// Made once for all tests of the suite; the system's temporary folder keeps it.
  static let fixture = Result {
    let folder = NSTemporaryDirectory() + "decaf-extraction-fixture-\(getpid())"
    return try ExtractionFixture(in: folder)
  }

  private func request(_ store: String, _ spread: Spread = Spread()) throws -> ExtractionRequest {
    let fixture = try Self.fixture.get()
    var request = ExtractionRequest(
      RecipeOptions(transform: try InputTransform.named("caffe")))
    request.list = fixture.list
    request.model = fixture.model
    request.output = store
    request.layers = [try BlobName(parsing: "pool5"), try BlobName(parsing: "conv5:pre")]
    request.batchSize = spread.batch
    request.gather = spread.gather
    request.dedicatedCoordinator = spread.isDedicated
    request.progress = .log
    return request
  }

  /// Runs a job on in-process ranks; rank 0's summary.
  @discardableResult
  private func run(_ request: ExtractionRequest, _ spread: Spread = Spread()) throws
    -> ExtractionSummary
  {
    try InProcessCommunicator.run(size: spread.ranks, deadlineSeconds: 120) { communicator in
      try ExtractionJob(
        request, communicator: communicator, team: ThreadTeam(threadCount: spread.threads),
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ).run()
    }[0]
  }

  @Test(arguments: [
    Spread(threads: 2), Spread(batch: 1), Spread(batch: 7), Spread(ranks: 2),
    Spread(ranks: 3, batch: 4), Spread(ranks: 5, batch: 7), Spread(ranks: 2, gather: .direct),
    Spread(ranks: 3, batch: 5, gather: .direct, isDedicated: true), Spread(gather: .direct),
    Spread(ranks: 5, batch: 23), Spread(gather: .auto), Spread(ranks: 2, gather: .auto),
    Spread(ranks: 4, batch: 3, gather: .auto, isDedicated: true),
  ])
  func bytesDoNotDependOnHowTheWorkIsSpread(spread: Spread) throws {
    try withTemporaryFolder { folder in
      try run(request("\(folder)/plain"))
      try run(request("\(folder)/spread", spread), spread)
      #expect(
        try ExtractionFixture.contents(ofStore: "\(folder)/plain")
          == ExtractionFixture.contents(ofStore: "\(folder)/spread"))
    }
  }

  /// All ranks are shown to see the folder here; one has nobody to send rows to.
  @Test(arguments: [(1, GatherMode.coordinator), (2, .direct), (3, .direct)])
  func ranksThatSeeTheFolderWriteThere(ranks: Int, expected: GatherMode) throws {
    try withTemporaryFolder { folder in
      let spread = Spread(ranks: ranks, batch: 4, gather: .auto)
      var request = try request("\(folder)/store", spread)
      request.rowsPerShard = 5
      #expect(try run(request, spread).gather == expected)
      // Hashed by all ranks, and found to be what rank 0 alone finds.
      #expect(try StoreAudit("\(folder)/store", team: ThreadTeam(threadCount: 1)).isSound)
    }
  }

  @Test func badImagesAreRowsOfTheirOwn() throws {
    try withTemporaryFolder { folder in
      let summary = try run(request("\(folder)/store"))
      #expect(summary.rows == ExtractionFixture.rowCount)
      #expect(summary.failedRows == ExtractionFixture.failures.count)
      let store = try Store("\(folder)/store")
      let pool5 = try store.layer(named: "pool5")
      for row in 0..<store.rowCount {
        let found = store.rows[row]
        if let message = ExtractionFixture.failures[row] {
          #expect(found.status == .failed)
          #expect(found.message.hasPrefix(message), "row \(row): \(found.message)")
          #expect(pool5.floats(row..<row + 1).allSatisfy { $0.isNaN })
        } else {
          #expect(found.status == .ok, "row \(row): \(found.message)")
          #expect(pool5.floats(row..<row + 1).allSatisfy { $0.isFinite })
        }
      }
    }
  }

  @Test func stoppedRunContinuesToTheSameBytes() throws {
    try withTemporaryFolder { folder in
      try run(request("\(folder)/plain"))
      var first = try request("\(folder)/stopped", Spread(batch: 2))
      first.maxHours = 1e-5  // 36 ms: a few batches at most
      #expect(try run(first).stopReason == "--max-hours")
      #expect(throws: StoreError.self) { try Store("\(folder)/stopped") }
      let spread = Spread(ranks: 3, batch: 5)
      let second = try run(request("\(folder)/stopped", spread), spread)
      #expect(second.stopReason == nil)
      #expect(
        try ExtractionFixture.contents(ofStore: "\(folder)/plain")
          == ExtractionFixture.contents(ofStore: "\(folder)/stopped"))
      #expect(try run(request("\(folder)/stopped")).wasComplete)
    }
  }

  @Test func otherOptionsOnTheSameStoreAreRefusedOnEveryRank() throws {
    try withTemporaryFolder { folder in
      try run(request("\(folder)/store"))
      var other = try request("\(folder)/store")
      other.dtype = .float16
      let failure = #expect(throws: JobFailure.self) { try run(other, Spread(ranks: 2)) }
      #expect(failure?.description.contains("dtype") ?? false, "\(String(describing: failure))")
    }
  }

  @Test func unreachableLayerIsRefused() throws {
    try withTemporaryFolder { folder in
      var request = try request("\(folder)/store")
      request.layers = [try BlobName(parsing: "fc6")]
      let failure = #expect(throws: JobFailure.self) { try run(request, Spread(ranks: 2)) }
      #expect(failure?.description.contains("fc6") ?? false)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
    }
  }

  @Test func aCoordinatorWithoutWorkersIsRefused() throws {
    try withTemporaryFolder { folder in
      let spread = Spread(isDedicated: true)
      #expect(throws: JobFailure.self) { try run(request("\(folder)/store", spread), spread) }
    }
  }

  @Test func tenViewsGiveTheMeanOfAllTen() throws {
    try withTemporaryFolder { folder in
      var mean = try request("\(folder)/ten")
      mean.recipe.views = .ten
      var all = try request("\(folder)/ten-all")
      all.recipe.views = .tenAll
      try run(mean)
      try run(all, Spread(ranks: 2, batch: 3))
      let means = try Store("\(folder)/ten").layer(named: "pool5")
      let views = try Store("\(folder)/ten-all").layer(named: "pool5")
      for row in 0..<3 {
        let expected = views.floats(row..<row + 1)
        let width = expected.count / 10
        for (i, value) in means.floats(row..<row + 1).enumerated() {
          let sum = (0..<10).reduce(Float(0)) { $0 + expected[$1 * width + i] }
          #expect(value == sum / 10)
        }
      }
    }
  }

  @Test func failedRowsAreTriedAgainWhenAsked() throws {
    try withTemporaryFolder { folder in
      let fixture = try ExtractionFixture(in: folder)
      var request = try request("\(folder)/store")
      request.list = fixture.list
      try run(request)
      try FileManager.default.copyItem(
        atPath: "\(folder)/images/2.jpg", toPath: "\(folder)/images/3.jpg")
      request.retryFailed = true
      let summary = try run(request, Spread(ranks: 2, batch: 2))
      #expect(summary.failedRows == ExtractionFixture.failures.count - 1)
      #expect(summary.ranks.reduce(0) { $0 + $1.timing.images } == ExtractionFixture.failures.count)
      #expect(try Store("\(folder)/store").rows[3].status == .ok)
    }
  }
}
