import Communication
import ConvNet
import Descriptors
import FeatureStore
import Files
import Foundation
import Logging
import Tensors
import TestSupport
import Testing

@testable import Extraction

/// Hand-made features by the same way as a network's: the guarantees are the same.
@Suite struct DescriptorExtractionTests {
  private static let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// A codebook of the fixture's images, made once.
  private static let codebook = Result {
    let path = NSTemporaryDirectory() + "decaf-codebook-\(getpid()).safetensors"
    try makeCodebook(path)
    return path
  }

  private static func makeCodebook(
    _ path: String, ranks: Int = 1, threads: Int = 1, seed: UInt64 = 7
  ) throws {
    var request = CodebookRequest(list: try ExtractionJobTests.fixture.get().list)
    (request.wordCount, request.sample, request.seed) = (16, 900, seed)
    request.iterations = 5
    let final = request
    let made = try InProcessCommunicator.run(size: ranks) { communicator in
      try CodebookJob(
        final, communicator: communicator, team: ThreadTeam(threadCount: threads), log: log
      ) { _, _, _ in }.run { _ in false }!
    }
    try made.last!.save(path)
  }

  private func extract(
    _ kind: DescriptorKind, _ store: String, ranks: Int = 1, threads: Int = 1, batch: Int = 64,
    gather: GatherMode = .coordinator, _ change: (inout ExtractionRequest) -> Void = { _ in }
  ) throws -> ExtractionSummary {
    var request = ExtractionRequest(RecipeOptions(transform: kind.transform))
    request.list = try ExtractionJobTests.fixture.get().list
    request.descriptor = DescriptorChoice(
      kind, codebook: kind.needsCodebook ? try Self.codebook.get() : nil)
    (request.output, request.batchSize, request.gather) = (store, batch, gather)
    request.progress = .log
    change(&request)
    let final = request
    return try InProcessCommunicator.run(size: ranks, deadlineSeconds: 120) { communicator in
      try ExtractionJob(
        final, communicator: communicator, team: ThreadTeam(threadCount: threads), log: Self.log
      ).run()
    }[0]
  }

  @Test(arguments: DescriptorKind.allCases)
  func bytesDoNotDependOnHowTheWorkIsSpread(kind: DescriptorKind) throws {
    try withTemporaryFolder { folder in
      _ = try extract(kind, "\(folder)/plain")
      _ = try extract(kind, "\(folder)/a", threads: 2, batch: 5)
      _ = try extract(kind, "\(folder)/b", ranks: 3, batch: 1, gather: .direct)
      let plain = try ExtractionFixture.contents(ofStore: "\(folder)/plain")
      for name in ["a", "b"] {
        #expect(try ExtractionFixture.contents(ofStore: "\(folder)/\(name)") == plain)
      }
    }
  }

  @Test func stoppedRunContinuesToTheSameBytes() throws {
    try withTemporaryFolder { folder in
      _ = try extract(.llc, "\(folder)/plain")
      let first = try extract(.llc, "\(folder)/stopped", batch: 2) { $0.maxHours = 1e-6 }
      #expect(first.stopReason == "--max-hours")
      #expect(try extract(.llc, "\(folder)/stopped", ranks: 2, batch: 3).stopReason == nil)
      #expect(
        try ExtractionFixture.contents(ofStore: "\(folder)/plain")
          == ExtractionFixture.contents(ofStore: "\(folder)/stopped"))
    }
  }

  @Test func badImagesAreRowsOfTheirOwn() throws {
    try withTemporaryFolder { folder in
      let summary = try extract(.gist, "\(folder)/store")
      #expect(summary.failedRows == ExtractionFixture.failures.count)
      let store = try Store("\(folder)/store")
      #expect(store.provenance.recipe.descriptor == "gist")
      let layer = try store.layer(named: "gist")
      #expect(layer.width == 512)
      for row in 0..<store.rowCount {
        let values = layer.floats(row..<row + 1)
        if ExtractionFixture.failures[row] == nil {
          #expect(values.allSatisfy { $0.isFinite } && values.contains { $0 > 0 })
        } else {
          #expect(values.allSatisfy { $0.isNaN })
        }
      }
    }
  }

  @Test func anotherCodebookIsAnotherJob() throws {
    try withTemporaryFolder { folder in
      _ = try extract(.llc, "\(folder)/store")
      try Self.makeCodebook("\(folder)/other.safetensors", seed: 8)
      let failure = #expect(throws: JobFailure.self) {
        _ = try extract(.llc, "\(folder)/store") {
          $0.descriptor = DescriptorChoice(.llc, codebook: "\(folder)/other.safetensors")
        }
      }
      #expect(
        failure?.description.contains("model.sha256") == true, "\(String(describing: failure))")
    }
  }

  @Test(arguments: [(2, 1), (3, 2), (5, 1)])
  func codebooksDoNotDependOnRanksOrThreads(ranks: Int, threads: Int) throws {
    try withTemporaryFolder { folder in
      try Self.makeCodebook("\(folder)/words.safetensors", ranks: ranks, threads: threads)
      let found = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/words.safetensors"))
      #expect(found == (try Data(contentsOf: URL(fileURLWithPath: Self.codebook.get()))))
    }
  }

  @Test func codebooksTellWhichImagesFailed() throws {
    let codebook = try Codebook.load(try Self.codebook.get())
    #expect(codebook.outcome.failedImages == ExtractionFixture.failures.count)
    #expect(codebook.origin.rows == ExtractionFixture.rowCount)
    #expect(codebook.count == 16)
  }
}
