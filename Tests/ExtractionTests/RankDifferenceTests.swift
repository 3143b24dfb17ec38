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

/// Ranks that find different things where all should find the same.
@Suite struct RankDifferenceTests {
  private func run(
    ranks: Int, _ request: @escaping @Sendable (_ rank: Int) throws -> ExtractionRequest
  ) throws {
    _ = try InProcessCommunicator.run(size: ranks) { communicator in
      try ExtractionJob(
        try request(communicator.rank), communicator: communicator,
        team: ThreadTeam(threadCount: 1),
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ).run()
    }
  }

  /// Whichever rank has the other file, and whether its digest is the larger or the smaller one.
  @Test(arguments: [0, 1, 2]) func anotherModelOnOneRankIsRefused(odd: Int) throws {
    try withTemporaryFolder { folder in
      let fixture = try ExtractionJobTests.fixture.get()
      var digests: Set<Bool> = []
      let own = try Model.open(fixture.model).weightsSHA256.hexadecimal
      for seed in [6, 7, 8, 9] as [UInt64] where digests.count < 2 {
        let other = "\(folder)/\(seed).safetensors"
        let model = try Model.generate(architecture: .caffenet, seed: seed, through: "conv1")
        digests.insert(model.weightsSHA256.hexadecimal < own)
        try model.write(to: other)
        let failure = #expect(throws: JobFailure.self) {
          try run(ranks: 3) { rank in
            var request = ExtractionRequest(
              RecipeOptions(transform: try InputTransform.named("caffe")))
            request.list = fixture.list
            request.model = rank == odd ? other : fixture.model
            request.output = "\(folder)/store"
            request.layers = [try BlobName(parsing: "conv1")]
            request.progress = .log
            return request
          }
        }
        #expect(failure?.description.contains("different weights") == true)
        #expect(failure?.exitStatus == .badInput)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
      }
      #expect(digests.count == 2, "the other digest was never the smaller, or never the larger")
    }
  }

  /// Suspects of a run that cut the list otherwise: every batch that has one of their rows.
  @Test(arguments: [1, 2, 3, 5, 7, 64]) func suspectsCutOtherwiseAreAllSuspect(batchSize: Int) {
    let suspects = [4..<12, 20..<21, 30..<34]
    let rows = Set(suspects.flatMap { Array($0) })
    var queue = WorkQueue(unfinished: [0..<40], suspects: suspects, batchSize: batchSize)
    var handedOut = 0
    while let next = queue.next(sharers: 3) {
      #expect(next.isSuspect == !rows.isDisjoint(with: next.rows), "rows \(next.rows)")
      handedOut += next.rows.count
    }
    #expect(handedOut == 40)
  }
}
