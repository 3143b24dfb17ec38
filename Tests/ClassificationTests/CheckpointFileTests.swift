import Communication
import FeatureStore
import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Classification

/// Checkpoints as records and files, good and bad.
@Suite struct CheckpointFileTests {
  private static var record: CheckpointRecord {
    var record = CheckpointRecord()
    record.counts = ["a": [1, 2, -3], "b": []]
    record.numbers = ["x.y": [0.1, -0.0, .infinity, .leastNonzeroMagnitude], "none": []]
    record.vectors = ["v": [[1, 2], [3, 4], [5, 6]], "empty": []]
    return record
  }

  @Test func recordComesBackFromTheFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/c"
      let nothing = try CheckpointFile.load(path)
      #expect(nothing == nil)
      try CheckpointFile(job: .object(["C": .number(1)]), phase: "rows", record: Self.record)
        .save(path)
      let loaded = try CheckpointFile.load(path)
      let found = try #require(loaded)
      #expect(found.record == Self.record && found.phase == "rows")
      #expect(found.record.numbers["x.y"]!.map(\.bitPattern)[1] == (-0.0).bitPattern)
      #expect(found.job == .object(["C": .number(1)]))
    }
  }

  @Test func partsComeBackFromAWhole() {
    var whole = CheckpointRecord()
    whole.add(Self.record, as: "state")
    whole.add(CheckpointRecord(), as: "results")
    #expect(whole.part("state") == Self.record)
    #expect(whole.part("results").isEmpty)
  }

  @Test(arguments: [1, 2, 3, 5])
  func recordReachesEveryRank(_ size: Int) throws {
    let found = try InProcessCommunicator.run(size: size) { communicator in
      var record = communicator.isRoot ? Self.record : CheckpointRecord()
      try record.broadcast(communicator)
      return record
    }
    #expect(found.allSatisfy { $0 == Self.record })
  }

  /// The failure of taking up a file that is damaged by `damage`.
  private func failure(
    _ options: TrainingOptions = TrainingOptions(), startsAnew: Bool = false,
    damage: (_ bytes: inout Data) -> Void
  ) throws -> JobFailure? {
    try withTemporaryFolder { folder in
      let path = "\(folder)/c.checkpoint"
      let problem = TrainingProblem(rows: ArrayRows.tall(seed: 66), options: TrainingOptions())
      _ = try interruptedOnce(problem, path)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      damage(&bytes)
      try bytes.write(to: URL(fileURLWithPath: path))
      let other = TrainingProblem(rows: problem.rows, options: options)
      do {
        _ = try InProcessCommunicator.run(size: 2) { communicator in
          let found = try Checkpointer(
            path, of: other.identity, .init(interval: .seconds(1)), startsAnew: startsAnew,
            communicator: communicator)
          #expect(!found.continues || !startsAnew)
        }
        return nil
      } catch let error as JobFailure { return error }
    }
  }

  private func interruptedOnce(_ problem: TrainingProblem, _ path: String) throws {
    let communicator = InProcessCommunicator.alone()
    let checkpointer = try Checkpointer(
      path, of: problem.identity, .init(interval: .zero, stopReason: { "now" }),
      communicator: communicator)
    #expect(throws: TrainingStopped.self) {
      try problem.run(communicator, threads: 1, checkpointer)
    }
  }

  @Test func damagedFileIsRefused() throws {
    let damages: [(inout Data) -> Void] = [
      { $0.removeLast(100) }, { $0 = Data($0.prefix(5)) }, { $0[$0.count - 9] ^= 1 },
      { $0 = Data("a text\n".utf8) }, { $0 = Data() },
    ]
    for damage in damages {
      let found = try #require(try failure(damage: damage))
      #expect(
        found.exitStatus == .badInput && found.description.contains("--overwrite"), "\(found)")
      #expect(try failure(startsAnew: true, damage: damage) == nil)
    }
    #expect(try failure { _ in } == nil)
  }

  @Test func checkpointOfAnotherTrainingIsRefusedAndNamesTheDifference() throws {
    for (options, mention) in [
      (TrainingOptions(C: 2), "C: the checkpoint has 1, this training 2"),
      (TrainingOptions(loss: .logistic), "loss: the checkpoint has softmax"),
      (TrainingOptions(standardizes: true), "standardizes"),
      (TrainingOptions(classWeights: .named(["c1": 2])), "classWeights.c1"),
    ] {
      let found = try #require(try failure(options) { _ in })
      #expect(found.exitStatus == .cannotCreate && found.description.contains(mention), "\(found)")
    }
  }
}
