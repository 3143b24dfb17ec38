import Classification
import Communication
import FeatureStore
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct StandardizationTests {
  private func train(
    _ rows: some RowSource, _ options: TrainingOptions, from start: Classifier? = nil,
    ranks: Int = 1, threads: Int = 1
  ) throws -> [TrainingResult] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(
        options, communicator: communicator, team: ThreadTeam(threadCount: threads)
      ).train(rows, from: start)
    }
  }

  /// Columns of very different sizes, one constant.
  private static func rows(_ count: Int, seed: UInt64) -> ArrayRows {
    var rows = ArrayRows.random(rowCount: count, width: 9, classCount: 3, seed: seed)
    for i in 0..<count {
      rows.values[i * 9] *= 1000
      rows.values[i * 9 + 1] = rows.values[i * 9 + 1] / 100 + 50
      rows.values[i * 9 + 2] = 7
    }
    rows.failedRows = [1]
    for j in 0..<9 { rows.values[9 + j] = .nan }
    return rows
  }

  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [false, true].flatMap { regularizesBias in
      [TrainingMethod.featureSpace, .rowSpace].map {
        TrainingOptions(
          loss: loss, C: 0.3, regularizesBias: regularizesBias, standardizes: true, method: $0)
      }
    }
  }

  /// Against training on rows that were standardized beforehand.
  @Test(arguments: problems)
  func resultIsThatOfStandardizedRows(_ options: TrainingOptions) throws {
    let rows = Self.rows(600, seed: 60)
    let result = try train(rows, options)[0]
    let scaling = try #require(result.scaling)
    var slow = rows
    let kept = (0..<600).filter { $0 != 1 }
    for j in 0..<9 {
      let column = kept.map { Double(rows.values[$0 * 9 + j]) }
      let mean = column.reduce(0, +) / 599
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 599
      #expect(abs(Double(scaling.means[j]) - mean) <= 1e-6 * abs(mean))
      let factor = j == 2 ? 0 : 1 / variance.squareRoot()
      #expect(abs(Double(scaling.factors[j]) - factor) <= 1e-6 * factor)
      for i in kept {
        slow.values[i * 9 + j] = (rows.values[i * 9 + j] - scaling.means[j]) * scaling.factors[j]
      }
    }
    var plain = options
    plain.standardizes = false
    let expected = try train(slow, plain)[0]
    #expect(result.weights == expected.weights && result.bias == expected.bias)
    #expect(result.isConverged && (0..<3).allSatisfy { result.weights[$0 * 9 + 2] == 0 })
  }

  @Test(arguments: problems)
  func bytesDoNotDependOnRanks(_ options: TrainingOptions) throws {
    let rows = Self.rows(1300, seed: 61)
    var options = options
    options.normalization = .l2
    let reference = try train(rows, options)[0]
    for (ranks, threads) in [(2, 1), (3, 2), (5, 1)] {
      for result in try train(rows, options, ranks: ranks, threads: threads) {
        #expect(result.weights == reference.weights && result.bias == reference.bias)
        #expect(result.scaling == reference.scaling)
        #expect(result.certificate == reference.certificate)
      }
    }
  }

  @Test func storedClassifierScalesWhatItPredicts() throws {
    try withTemporaryFolder { folder in
      let fixture = StoreFixture.random()
      let store = try fixture.write("\(folder)/store")
      let options = TrainingOptions(normalization: .l2, standardizes: true)
      let result = try train(try StoreRows(store, layer: "fc6"), options)[0]
      let classifier = Classifier(
        result, options: options,
        features: FeatureOrigin(store.provenance, layer: store.provenance.layers[0]))
      try classifier.save("\(folder)/c")
      let loaded = try Classifier.load("\(folder)/c")
      #expect(loaded == classifier && loaded.scaling == result.scaling)
      let row: [Float] = Array(fixture.rows.values[0..<6])
      let length = Float(1 / row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
      let scaling = result.scaling!
      for (k, score) in loaded.scores(row.span).enumerated() {
        let expected = (0..<6).reduce(Double(result.bias[k])) {
          let x = (row[$1] * length - scaling.means[$1]) * scaling.factors[$1]
          return $0 + Double(result.weights[k * 6 + $1]) * Double(x)
        }
        #expect(abs(Double(score) - expected) < 1e-5)
      }
    }
  }

  @Test(arguments: Loss.allCases)
  func warmStartReachesTheSameOptimumSooner(_ loss: Loss) throws {
    try withTemporaryFolder { folder in
      let store = try StoreFixture.random(rowCount: 700).write("\(folder)/store")
      let rows = try StoreRows(store, layer: "fc6")
      let options = TrainingOptions(loss: loss, C: 1, tolerance: 1e-8)
      let cold = try train(rows, options)[0]
      let start = Classifier(
        cold, options: options,
        features: FeatureOrigin(store.provenance, layer: store.provenance.layers[0]))
      let warm = try train(rows, options, from: start)[0]
      #expect(warm.isConverged && warm.iterations < cold.iterations)
      #expect(
        abs(warm.certificate.objective - cold.certificate.objective)
          <= 2e-8 * cold.certificate.objective)
      let many = try train(rows, options, from: start, ranks: 3)[2]
      #expect(many.weights == warm.weights && many.bias == warm.bias)
    }
  }

  @Test func whatSinglePrecisionLeavesIsSaidSo() throws {
    let rows = ArrayRows.random(rowCount: 300, width: 30, classCount: 3, seed: 62)
    let options = TrainingOptions(
      loss: .squaredHinge, C: 10, tolerance: 1e-30, method: .rowSpace)
    let result = try train(rows, options)[0]
    #expect(!result.isConverged && result.isExhausted)
    let limited = try train(
      rows, TrainingOptions(C: 10, tolerance: 1e-9, maximumIterations: 3))[0]
    #expect(!limited.isConverged && !limited.isExhausted)
  }
}
