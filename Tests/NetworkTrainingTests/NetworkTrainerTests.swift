import Communication
import ConvNet
import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import NetworkTraining

/// Whole trainings: what is learned, and what ranks, threads and interruptions must not change.
@Suite struct NetworkTrainerTests {
  @Test func stripesAreLearned() throws {
    try withTemporaryFolder { folder in
      let fixture = try TrainingFixture(in: folder)
      let request = try fixture.request(epochs: 12)
      let result = try #require(try fixture.train(request, ranks: 1, threads: 2))
      #expect(result.history.count == 12)
      #expect(result.history[11].validationAccuracy! >= 0.9, "\(result.history[11])")
      #expect(result.history[11].loss < result.history[0].loss / 3)
      #expect(Set(result.failures + result.validationFailures) == Set(TrainingFixture.broken))
    }
  }

  @Test func ranksAndThreadsDoNotShow() throws {
    try withTemporaryFolder { folder in
      let fixture = try TrainingFixture(in: folder)
      let request = try fixture.request()
      let alone = try #require(try fixture.train(request, ranks: 1))
      for (ranks, threads) in [(1, 3), (2, 2), (3, 1), (5, 1)] {
        let together = try #require(try fixture.train(request, ranks: ranks, threads: threads))
        #expect(together == alone, "\(ranks) ranks, \(threads) threads")
      }
    }
  }

  /// Stopped everywhere it can be, each time continued by another number of ranks.
  @Test func interruptionsDoNotShow() throws {
    try withTemporaryFolder { folder in
      let fixture = try TrainingFixture(in: folder)
      let request = try fixture.request()
      let whole = try #require(try fixture.train(request, ranks: 1))
      var (result, runs) = (TrainingFixture.Result?.none, 0)
      while result == nil && runs < 40 {
        result = try fixture.train(request, ranks: 1 + runs % 3, questions: 1 + runs % 2)
        runs += 1
      }
      #expect(result == whole)
      #expect(runs > 3)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/checkpoint"))
    }
  }

  /// Rows that are computed once are those that would be computed in each epoch.
  @Test func frozenLayersAreComputedOnce() throws {
    try withTemporaryFolder { folder in
      let fixture = try TrainingFixture(in: folder)
      let text = try TrainingText(Array(TrainingFixture.network.utf8), source: "small.prototxt")
      let model = try Model.generate(architecture: text.architecture, seed: 4)
      let request = try fixture.request(frozenBelow: "fc2", model: model, augmentation: .none)
      let alone = try #require(try fixture.train(request, ranks: 1))
      #expect(alone.weights["conv1.0"] == model.storedParameters("conv1").weights.floats())
      #expect(alone.weights["fc2.0"] != model.storedParameters("fc2").weights.floats())
      #expect(Set(alone.failures + alone.validationFailures) == Set(TrainingFixture.broken))
      let together = try #require(try fixture.train(request, ranks: 3))
      #expect(together == alone)
      // The same with the convolution learned at a rate that moves nothing: its maps are computed.
      var moving = request
      moving.plan = try NetworkPlan(
        text, factors: ["conv1": ParameterRates(rate: 1e-30, decay: 0)], seed: 11)
      var computed = try #require(try fixture.train(moving, ranks: 1))
      // Of biases that were zero a step of 1e-30 shows; of sums it does not.
      computed.weights["conv1.1"] = alone.weights["conv1.1"]
      #expect(computed == alone)
    }
  }

  @Test func divergenceIsNamed() throws {
    try withTemporaryFolder { folder in
      let fixture = try TrainingFixture(in: folder)
      let request = try fixture.request(epochs: 30, baseRate: 1e12)
      let error = #expect(throws: JobFailure.self) { try fixture.train(request, ranks: 2) }
      #expect(error?.exitStatus == .badInput)
      #expect(error?.description.contains("diverged") == true, "\(error!)")
    }
  }

  @Test func otherTrainingsCheckpointsAreRefused() throws {
    try withTemporaryFolder { folder in
      let fixture = try TrainingFixture(in: folder)
      _ = try fixture.train(try fixture.request(), ranks: 1, questions: 2)
      #expect(FileManager.default.fileExists(atPath: "\(folder)/checkpoint"))
      let other = try fixture.request(baseRate: 0.04)
      let error = #expect(throws: JobFailure.self) { try fixture.train(other, ranks: 1) }
      #expect(error?.exitStatus == .cannotCreate)
      #expect(error?.description.contains("baseRate") == true, "\(error!)")
      // A byte of the numbers changed.
      var bytes = try readTestFile("\(folder)/checkpoint")
      bytes[bytes.count - 100] ^= 1
      _ = try writeTestFile(bytes, "checkpoint", in: folder)
      let damaged = #expect(throws: JobFailure.self) {
        try fixture.train(try fixture.request(), ranks: 1)
      }
      #expect(damaged?.exitStatus == .badInput)
      #expect(damaged?.description.contains("checksum") == true, "\(damaged!)")
    }
  }

  @Test func orderAndCropsAreDrawnByRow() throws {
    try withTemporaryFolder { folder in
      let images = try TrainingFixture(in: folder).request().images
      let first = images.order(epoch: 0, seed: 1)
      #expect(first.sorted() == Array(0..<images.count))
      #expect(first != images.order(epoch: 1, seed: 1) && first != images.order(epoch: 0, seed: 2))
      #expect(first == images.order(epoch: 0, seed: 1))
      let draws = (0..<2000).map {
        Augmentation().draw(
          3, stream: Augmentation.stream(epoch: 2, row: $0), margin: PlaneSize(4, 2))
      }
      #expect(Set(draws.map(\.y)) == Set(0...4) && Set(draws.map(\.x)) == Set(0...2))
      // Half of 2000, ±4 deviations of 22.
      #expect(abs(draws.count(where: \.isMirrored) - 1000) < 90)
      #expect(
        Augmentation.none.draw(3, stream: 9, margin: PlaneSize(4, 3))
          == .init(x: 1, y: 2, isMirrored: false))
    }
  }
}
