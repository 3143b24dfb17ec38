import Communication
import Tensors
import Testing

@testable import Classification

@Suite struct RowSpaceTests {
  private func train(
    _ rows: some RowSource, _ options: TrainingOptions, ranks: Int = 1, threads: Int = 1
  ) throws -> [TrainingResult] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(
        options, communicator: communicator, team: ThreadTeam(threadCount: threads)
      ).train(rows)
    }
  }

  /// More features than rows, some of which are left out, over three blocks.
  private static func wideRows(seed: UInt64) -> ArrayRows {
    var rows = ArrayRows.random(
      rowCount: 530, width: 600, classCount: 4, seed: seed, separation: 0.1)
    rows.failedRows = [3, 255, 529]
    for row in rows.failedRows {
      for j in 0..<rows.width { rows.values[row * rows.width + j] = .nan }
    }
    rows.labels[256] = nil
    return rows
  }

  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [0.001, 1, 1000].flatMap { C in
      [false, true].map {
        TrainingOptions(loss: loss, C: C, regularizesBias: $0, method: .rowSpace)
      }
    }
  }

  @Test(arguments: problems)
  func certificateHoldsByTheDefinition(_ options: TrainingOptions) throws {
    let rows = Self.wideRows(seed: 21)
    for normalization in RowNormalization.allCases {
      var options = options
      options.normalization = normalization
      options.tolerance = 1e-9  // what single precision of the weights leaves at C = 1000 is 3e-10
      let result = try train(rows, options)[0]
      let slow = try SlowObjective(rows, options)
      let value = slow.value(
        weights: result.weights, bias: result.bias)
      #expect(result.isConverged, "\(result.certificate)")
      #expect(result.rowCount == 526)
      #expect(abs(value - result.certificate.objective) <= 1e-12 * value)
    }
  }

  @Test(arguments: problems)
  func bytesDoNotDependOnRanksAndThreads(_ options: TrainingOptions) throws {
    let rows = Self.wideRows(seed: 22)
    let reference = try train(rows, options)[0]
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (5, 1)] {
      for result in try train(rows, options, ranks: ranks, threads: threads) {
        #expect(result.weights.map(\.bitPattern) == reference.weights.map(\.bitPattern))
        #expect(result.bias.map(\.bitPattern) == reference.bias.map(\.bitPattern))
        #expect(result.certificate == reference.certificate)
      }
    }
  }

  /// Many more rows than features, overlapping classes: sets of rows that change for many steps.
  @Test(arguments: Loss.allCases, [false, true])
  func bothMethodsReachTheSameOptimum(_ loss: Loss, _ regularizesBias: Bool) throws {
    let rows = ArrayRows.random(rowCount: 700, width: 19, classCount: 4, seed: 23)
    var options = TrainingOptions(
      loss: loss, C: 0.3, tolerance: 1e-10, regularizesBias: regularizesBias)
    options.method = .rowSpace
    let newton = try train(rows, options)[0]
    options.method = .featureSpace
    let descent = try train(rows, options)[0]
    #expect(newton.isConverged && descent.isConverged)
    #expect(newton.iterations < descent.iterations)
    #expect(
      abs(newton.certificate.objective - descent.certificate.objective)
        <= 1e-10 * newton.certificate.objective)
    for (a, b) in zip(newton.weights + newton.bias, descent.weights + descent.bias) {
      #expect(abs(a - b) < 1e-3)
    }
  }

  /// Small C is left to L-BFGS; a large one it gives up, without a trace. The squared hinge has its dual.
  @Test(arguments: [Loss.softmax, .logistic])
  func methodFollowsTheProblem(_ loss: Loss) throws {
    let rows = Self.wideRows(seed: 26)
    for (C, method) in [(1e-5, TrainingMethod.featureSpace), (1e6, .rowSpace)] {
      var options = TrainingOptions(loss: loss, C: C)
      let automatic = try train(rows, options, ranks: 2)[1]
      options.method = method
      let chosen = try train(rows, options)[0]
      #expect(automatic.isConverged)
      #expect(automatic.weights == chosen.weights && automatic.bias == chosen.bias)
    }
  }

  /// Two points at ±1: w = 4C/(1 + 4C), by setting the derivative of ½w² + 2C(1 − w)² to zero.
  @Test(arguments: [0.7, 1e6])
  func squaredHingeMatchesClosedForm(_ C: Double) throws {
    let rows = ArrayRows(width: 1, values: [-1, 1], labels: [0, 1], classNames: ["a", "b"])
    let options = TrainingOptions(loss: .squaredHinge, C: C, tolerance: 1e-9, method: .rowSpace)
    let result = try train(rows, options)[0]
    #expect(abs(Double(result.weights[1]) - 4 * C / (1 + 4 * C)) < 1e-6)
    #expect(result.weights[0] == -result.weights[1])
    #expect(abs(result.bias[0]) < 1e-6)
  }

  /// One row of the class against many: the first full steps leave no row of the class, or none of
  /// the others, within the margin.
  @Test func loneRowOfAClassIsHarmless() throws {
    var rows = ArrayRows.random(rowCount: 40, width: 50, classCount: 2, seed: 24)
    rows.labels = [1] + [Int](repeating: 0, count: 39)
    for C in [1e-6, 1, 1e6] {
      let options = TrainingOptions(
        loss: .squaredHinge, C: C, tolerance: 1e-8, method: .rowSpace)
      let result = try train(rows, options)[0]
      #expect(result.isConverged, "C \(C): \(result.certificate)")
    }
  }

  @Test func identicalRowsOfDifferentClassesAreHarmless() throws {
    var rows = ArrayRows.random(rowCount: 20, width: 30, classCount: 2, seed: 25)
    for i in 1..<20 { for j in 0..<30 { rows.values[i * 30 + j] = rows.values[j] } }
    for options in Self.problems {
      let result = try train(rows, options)[0]
      #expect(result.isConverged, "\(options): \(result.certificate)")
    }
  }
}
