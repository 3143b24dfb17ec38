import Communication
import FeatureStore
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Classification

/// Trainings that stop wherever they can, and go on with other ranks and threads.
@Suite struct CheckpointTests {
  private func uninterrupted(_ problem: TrainingProblem) throws -> TrainingProblem.Outcome {
    try problem.run(InProcessCommunicator.alone(), threads: 1, nil)
  }

  /// Stops at every opportunity; each run goes on from the one before.
  ///
  /// - Returns: what all ranks of the last run end with, and how many runs there were.
  private func interrupted(
    _ problem: TrainingProblem, in folder: String, ranks: [Int] = [1, 2, 3, 5]
  ) throws -> (outcomes: [TrainingProblem.Outcome], runs: Int) {
    let path = "\(folder)/c.checkpoint"
    for run in 0..<2000 {
      let size = ranks[run % ranks.count]
      let outcomes = try InProcessCommunicator.run(size: size) {
        communicator -> TrainingProblem.Outcome? in
        // One rank alone knows that it is time.
        let isAsked = communicator.rank == run % size
        let checkpointer = try Checkpointer(
          path, of: problem.identity,
          .init(interval: .seconds(1e6), stopReason: { isAsked ? "enough" : nil }),
          communicator: communicator)
        #expect(checkpointer.continues == (run > 0))
        do {
          return try problem.run(communicator, threads: 1 + run % 2, checkpointer)
        } catch is TrainingStopped { return nil }
      }
      let finished = outcomes.compactMap { $0 }
      if finished.isEmpty { continue }
      #expect(finished.count == size)
      return (finished, run + 1)
    }
    Issue.record("it never ends")
    return ([], 0)
  }

  private func check(
    _ problem: TrainingProblem, ranks: [Int] = [1, 2, 3, 5], fewestRuns: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try uninterrupted(problem)
    try withTemporaryFolder { folder in
      let (outcomes, runs) = try interrupted(problem, in: folder, ranks: ranks)
      #expect(runs >= fewestRuns, sourceLocation: sourceLocation)
      #expect(outcomes.allSatisfy { $0 == expected }, sourceLocation: sourceLocation)
    }
  }

  private static func wideRows(seed: UInt64) -> ArrayRows {
    ArrayRows.random(rowCount: 90, width: 120, classCount: 5, seed: seed, separation: 0.1)
  }

  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [false, true].map { TrainingOptions(loss: loss, C: 3, regularizesBias: $0) }
  }

  /// Long enough for the trail of steps to begin anew, and to end in double precision.
  @Test(arguments: problems)
  func descentGoesOnFromEveryIteration(_ options: TrainingOptions) throws {
    var options = options
    options.method = .featureSpace
    options.tolerance = options.loss == .softmax ? 1e-7 : 1e-12
    options.C = options.loss == .softmax ? 0.3 : 3
    try check(
      TrainingProblem(rows: ArrayRows.tall(seed: 60), options: options),
      fewestRuns: LogitTrail.longest + 1)
  }

  @Test(arguments: problems)
  func newtonStepsGoOnFromEveryOne(_ options: TrainingOptions) throws {
    var options = options
    options.method = .rowSpace
    options.C = 10
    options.tolerance = 1e-9
    let fewest = options.loss == .squaredHinge ? 2 : 4
    try check(
      TrainingProblem(rows: Self.wideRows(seed: 61), options: options), ranks: [1, 1, 2, 3],
      fewestRuns: fewest)
  }

  /// L-BFGS is given up; what follows does not begin with it again.
  @Test func methodThatWasGivenUpIsNotTriedAgain() throws {
    let rows = ArrayRows.random(
      rowCount: 300, width: 320, classCount: 3, seed: 62, separation: 0.1)
    let options = TrainingOptions(C: 1e4, tolerance: 1e-7)
    try check(TrainingProblem(rows: rows, options: options), ranks: [2, 1, 3], fewestRuns: 10)
  }

  @Test func warmStartGoesOn() throws {
    let rows = ArrayRows.tall(seed: 63)
    let options = TrainingOptions(loss: .logistic, C: 10, tolerance: 1e-8)
    let rough = try Trainer(
      TrainingOptions(loss: .logistic, C: 5, tolerance: 1e-2),
      communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
    ).train(rows)
    try withTemporaryFolder { folder in
      let store = try StoreFixture(rows: rows).write("\(folder)/store")
      let origin = FeatureOrigin(store.provenance, layer: store.provenance.layers[0])
      let start = Classifier(rough, options: options, features: origin)
      try check(TrainingProblem(rows: rows, options: options, start: start), fewestRuns: 5)
    }
  }

  @Test(arguments: Loss.allCases, [TrainingMethod.featureSpace, .rowSpace])
  func foldsAndValuesOfCAreKept(_ loss: Loss, _ method: TrainingMethod) throws {
    let rows = ArrayRows.random(
      rowCount: 150, width: 30, classCount: 3, seed: 64, separation: 0.2)
    let options = TrainingOptions(loss: loss, method: method)
    let problem = TrainingProblem(rows: rows, options: options, path: [0.1, 1e-3, 1e-2])
    // Of the squared hinge in terms of rows, a fold's C is often one round.
    try check(
      problem, ranks: [1, 2, 3],
      fewestRuns: loss == .squaredHinge && method == .rowSpace ? 2 : 12)
  }

  @Test func checkpointsThatNobodyAskedForAreOfUseToo() throws {
    let problem = TrainingProblem(
      rows: ArrayRows.tall(seed: 65),
      options: TrainingOptions(C: 30, tolerance: 1e-9, method: .featureSpace))
    let expected = try uninterrupted(problem)
    try withTemporaryFolder { folder in
      let path = "\(folder)/c.checkpoint"
      func run(_ size: Int) throws -> [TrainingProblem.Outcome] {
        try InProcessCommunicator.run(size: size) { communicator in
          try problem.run(
            communicator, threads: 1,
            Checkpointer(
              path, of: problem.identity, .init(interval: .zero), communicator: communicator))
        }
      }
      let first = try run(2)
      #expect(first.allSatisfy { $0 == expected })
      // As after a crash: the last checkpoint is still there.
      #expect(FileManager.default.fileExists(atPath: path))
      let second = try run(3)
      #expect(second.allSatisfy { $0 == expected })
    }
  }
}
