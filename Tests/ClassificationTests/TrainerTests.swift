import Classification
import Communication
import Foundation
import Tensors
import Testing

@Suite struct TrainerTests {
  /// Trains on `ranks` in-process ranks.
  private func train(
    _ rows: some RowSource, _ options: TrainingOptions, ranks: Int = 1, threads: Int = 1
  ) throws -> [TrainingResult] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(
        options, communicator: communicator, team: ThreadTeam(threadCount: threads)
      ).train(rows)
    }
  }

  /// The problems most tests look at: every loss, bias free and not.
  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [false, true].map { TrainingOptions(loss: loss, C: 0.3, regularizesBias: $0) }
  }

  @Test(arguments: problems)
  func certificateHoldsByTheDefinition(_ options: TrainingOptions) throws {
    for normalization in RowNormalization.allCases {
      var options = options
      options.normalization = normalization
      let rows = ArrayRows.random(rowCount: 700, width: 19, classCount: 4, seed: 5)
      let result = try train(rows, options)[0]
      let slow = try SlowObjective(rows, options)
      let value = slow.value(
        weights: result.weights, bias: result.bias)
      #expect(result.isConverged)
      #expect(result.certificate.relativeGap <= 1e-6)
      // Both sum some thousand terms in double precision.
      #expect(abs(value - result.certificate.objective) <= 1e-12 * value)
      // No point nearby may be better by more than the gap.
      var generator = SeededGenerator(seed: 6)
      for scale: Float in [1e-4, 1e-3, 1e-2] {
        let other = slow.value(
          weights: result.weights.map { $0 + Double(scale * generator.normal()) },
          bias: result.bias.map { $0 + Double(scale * generator.normal()) })
        #expect(other >= value - result.certificate.gap)
      }
    }
  }

  @Test(arguments: problems)
  func tightToleranceIsReachedAndAgreesWithTheLooseOne(_ options: TrainingOptions) throws {
    let rows = ArrayRows.random(rowCount: 700, width: 19, classCount: 4, seed: 5)
    var tight = options
    tight.tolerance = 1e-9
    let exact = try train(rows, tight)[0]
    let loose = try train(rows, options)[0]
    #expect(exact.isConverged && exact.certificate.relativeGap <= 1e-9)
    #expect(exact.certificate.objective <= loose.certificate.objective * (1 + 1e-9))
    #expect(
      loose.certificate.objective - exact.certificate.objective
        <= loose.certificate.gap + exact.certificate.gap)
  }

  /// Single precision products alone would not reach the tolerance here.
  @Test func largeCSwitchesToDoublePrecision() throws {
    let rows = ArrayRows.random(rowCount: 900, width: 12, classCount: 3, seed: 7)
    for loss in Loss.allCases {
      let result = try train(rows, TrainingOptions(loss: loss, C: 1000, tolerance: 1e-9))[0]
      #expect(result.isConverged, "\(loss): \(result.certificate)")
    }
  }

  /// From the start, where the gap of the steepest class is a hundred million times the objective.
  @Test func steepSquaredHingeLeavesTheStart() throws {
    var rows = ArrayRows.random(
      rowCount: 900, width: 60, classCount: 4, seed: 70, separation: 0.2)
    for i in rows.values.indices { rows.values[i] *= Float(1 << (i % 60 % 6)) }
    let result = try train(
      rows,
      TrainingOptions(loss: .squaredHinge, C: 1000, tolerance: 1e-9, method: .featureSpace))[0]
    #expect(result.isConverged, "\(result.certificate)")
  }

  @Test(arguments: problems)
  func bytesDoNotDependOnRanksAndThreads(_ options: TrainingOptions) throws {
    // Four blocks: five ranks leave one without rows.
    var rows = ArrayRows.random(rowCount: 1800, width: 23, classCount: 3, seed: 8)
    rows.failedRows = [0, 600, 601, 1799]
    for row in rows.failedRows {
      for j in 0..<23 { rows.values[row * 23 + j] = .nan }
    }
    rows.labels[7] = nil
    let reference = try train(rows, options)[0]
    #expect(reference.rowCount == 1795)
    #expect(reference.failedCount == 4 && reference.unlabelledCount == 1)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (5, 1)] {
      for result in try train(rows, options, ranks: ranks, threads: threads) {
        #expect(result.weights.map(\.bitPattern) == reference.weights.map(\.bitPattern))
        #expect(result.bias.map(\.bitPattern) == reference.bias.map(\.bitPattern))
        #expect(result.certificate == reference.certificate)
      }
    }
  }

  @Test func tinyProblemOnMoreRanksThanRows() throws {
    let rows = ArrayRows(
      width: 2, values: [0, 1, 1, 0], labels: [0, 1], classNames: ["a", "b"])
    for options in Self.problems {
      let alone = try train(rows, options)[0]
      let many = try train(rows, options, ranks: 3)
      #expect(many.allSatisfy { $0.weights == alone.weights && $0.bias == alone.bias })
      #expect(alone.isConverged)
    }
  }

  /// Two points at ±1: one-vs-rest squared hinge with w = 4C/(1 + 4C), by setting the derivative
  /// of ½w² + 2C(1 − w)² to zero.
  @Test func squaredHingeMatchesClosedForm() throws {
    let rows = ArrayRows(width: 1, values: [-1, 1], labels: [0, 1], classNames: ["a", "b"])
    let C = 0.7
    let result = try train(
      rows, TrainingOptions(loss: .squaredHinge, C: C, tolerance: 1e-12))[0]
    #expect(abs(Double(result.weights[1]) - 4 * C / (1 + 4 * C)) < 1e-6)
    #expect(result.weights[0] == -result.weights[1])
    #expect(abs(result.bias[0]) < 1e-6)
  }

  @Test func classesWithoutRowsAreLeftOut() throws {
    var rows = ArrayRows.random(rowCount: 60, width: 5, classCount: 3, seed: 9)
    rows.classNames = ["a", "unseen", "b", "c"]
    rows.labels = rows.labels.map { [0, 2, 3][$0!] }
    let result = try train(rows, TrainingOptions())[0]
    #expect(result.classes == ["a", "b", "c"])
    #expect(result.weights.count == 15)
  }

  @Test func constantAndZeroFeaturesAreHarmless() throws {
    var rows = ArrayRows.random(rowCount: 100, width: 6, classCount: 2, seed: 10)
    for row in 0..<100 {
      rows.values[row * 6] = 0
      rows.values[row * 6 + 1] = 7
    }
    for j in 0..<6 { rows.values[j] = 0 }  // a row without length
    for var options in Self.problems {
      options.normalization = .l2
      let result = try train(rows, options)[0]
      #expect(result.isConverged)
      #expect(result.weights[0] == 0 && result.weights[6] == 0)
    }
  }

  @Test func iterationLimitIsReportedNotHidden() throws {
    let rows = ArrayRows.random(rowCount: 300, width: 30, classCount: 3, seed: 11)
    let result = try train(
      rows, TrainingOptions(C: 10, tolerance: 1e-9, maximumIterations: 3))[0]
    #expect(!result.isConverged && result.iterations == 3)
    #expect(result.certificate.relativeGap > 1e-9)
    let slow = try SlowObjective(rows, TrainingOptions(C: 10))
    let value = slow.value(
      weights: result.weights, bias: result.bias)
    #expect(abs(value - result.certificate.objective) <= 1e-12 * value)
  }

  @Test func unusableDataIsRefusedOnEveryRank() throws {
    var rows = ArrayRows.random(rowCount: 600, width: 4, classCount: 2, seed: 12)
    func failure(_ rows: ArrayRows) -> ClassificationError? {
      do {
        _ = try train(rows, TrainingOptions(), ranks: 2)
        return nil
      } catch { return error as? ClassificationError }
    }
    for value in [Float.nan, .infinity, 1e30] {
      var bad = rows
      bad.values[555 * 4 + 2] = value
      #expect(failure(bad) == .notFinite(source: "memory", row: 555))
    }
    rows.labels = rows.labels.map { _ in 1 }
    #expect(failure(rows) == .oneClass(source: "memory", name: "c1"))
    rows.labels = rows.labels.map { _ in nil }
    rows.failedRows = [3]
    #expect(failure(rows) == .noRows(source: "memory", failed: 1, unlabelled: 599))
  }

  @Test func optionsOutOfRangeAreAllReported() throws {
    let options = TrainingOptions(C: 0, tolerance: 2, maximumIterations: 0)
    #expect {
      try options.validate()
    } throws: {
      guard case ClassificationError.invalidOptions(let problems) = $0 else { return false }
      return problems.count == 3
    }
    #expect(throws: ClassificationError.self) { try TrainingOptions(C: .nan).validate() }
  }
}
