import Communication
import FeatureStore
import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Classification

@Suite struct DropoutTests {
  private func train(
    _ rows: some RowSource, _ options: TrainingOptions, ranks: Int = 1, threads: Int = 1
  ) throws -> [TrainingResult] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(
        options, communicator: communicator, team: ThreadTeam(threadCount: threads)
      ).train(rows)
    }
  }

  private static func features(_ source: any RowSource, _ rows: Range<Int>) throws -> [Float] {
    var scratch: [Float] = []
    var values: [Float] = []
    try source.withRows(rows, scratch: &scratch) { span in
      for j in span.indices { values.append(span[j]) }
    }
    return values
  }

  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [TrainingMethod.featureSpace, .rowSpace].map {
      TrainingOptions(
        loss: loss, C: 0.5, dropout: Dropout(probability: 0.4, copies: 3, seed: 8),
        classWeights: .named(["c1": 2]), method: $0)
    }
  }

  private static func rows(_ count: Int, seed: UInt64) -> ArrayRows {
    var rows = ArrayRows.random(rowCount: count, width: 9, classCount: 3, seed: seed)
    rows.failedRows = [1]
    for j in 0..<9 { rows.values[9 + j] = .nan }
    rows.labels[5] = nil
    return rows
  }

  /// The copies written out: draws and scaling by the definition.
  private static func copies(_ rows: ArrayRows, _ dropout: Dropout) throws -> WeightedRows {
    var copies = rows
    (copies.values, copies.labels, copies.failedRows) = ([], [], [])
    for i in 0..<rows.rowCount {
      var ofRow = SeededGenerator(seed: dropout.seed, stream: UInt64(i))
      let seed = ofRow.next()
      for c in 0..<dropout.copies {
        var generator = SeededGenerator(seed: seed, stream: UInt64(c))
        var word: UInt64 = 0
        for j in 0..<rows.width {
          word = j % 2 == 0 ? generator.next() : word >> 32
          let uniform = Double(word & 0xFFFF_FFFF) * 0x1p-32
          let factor = Float(1 / (1 - (dropout.probability * 0x1p32).rounded() * 0x1p-32))
          copies.values.append(
            uniform < dropout.probability ? 0 : rows.values[i * rows.width + j] * factor)
        }
        if rows.failedRows.contains(i) { copies.failedRows.insert(copies.labels.count) }
        copies.labels.append(rows.labels[i])
      }
    }
    return try WeightedRows(
      copies, weights: copies.labels.map { _ in 1 / Double(dropout.copies) })
  }

  @Test(arguments: problems)
  func resultIsThatOfCopiesWrittenOut(_ options: TrainingOptions) throws {
    let rows = Self.rows(400, seed: 70)
    let result = try train(rows, options)[0]
    var plain = options
    plain.dropout = nil
    let copies = try Self.copies(rows, options.dropout!)
    let expected = try train(copies, plain)[0]
    #expect(result.weights == expected.weights && result.bias == expected.bias)
    #expect(result.certificate == expected.certificate && result.isConverged)
    #expect(result.rowCount == 398 && result.failedCount == 1 && result.unlabelledCount == 1)
    let slow = try SlowObjective(copies, plain, factors: [1, 2, 1])
    let value = slow.value(
      weights: result.weights, bias: result.bias)
    // Both sum some thousand terms in double precision.
    #expect(abs(value - result.certificate.objective) <= 1e-12 * value)
  }

  @Test(arguments: problems)
  func bytesDoNotDependOnRanks(_ options: TrainingOptions) throws {
    let rows = Self.rows(600, seed: 71)
    var options = options
    options.normalization = .l2
    options.standardizes = options.loss != .logistic
    options.classWeights = .balanced
    let reference = try train(rows, options)[0]
    for (ranks, threads) in [(2, 1), (3, 2), (5, 1)] {
      for result in try train(rows, options, ranks: ranks, threads: threads) {
        #expect(result.weights == reference.weights && result.bias == reference.bias)
        #expect(
          result.scaling == reference.scaling && result.classWeights == reference.classWeights)
        #expect(result.certificate == reference.certificate)
      }
    }
  }

  /// Two rows ±1 of two classes, each kept in one of two copies: ±2 and 0 with weight ½. For each
  /// class w minimizes ½w² + C/2·(2·(1 − 2w)² + 2), so that w = 4C / (1 + 8C): ⅓ for C = ¼, where
  /// the objective is 1/18 + (1/9 + 1)/4 = ⅓.
  @Test(arguments: [TrainingMethod.featureSpace, .rowSpace])
  func smallProblemIsSolvedAsByHand(_ method: TrainingMethod) throws {
    let rows = ArrayRows(
      width: 1, values: [1, -1], labels: [0, 1], classNames: ["plus", "minus"])
    let dropout = try #require(
      try (0..<100).map { Dropout(probability: 0.5, copies: 2, seed: $0) }.first {
        let z = try Self.features(
          DroppedRows(base: rows, normalization: .none, dropout: $0), 0..<4)
        return z[0] + z[1] == 2 && z[2] + z[3] == -2
      })
    let result = try train(
      rows,
      TrainingOptions(
        loss: .squaredHinge, C: 0.25, tolerance: 1e-9, dropout: dropout, method: method))[0]
    #expect(abs(result.weights[0] - 1 / 3) < 1e-4 && abs(result.weights[1] + 1 / 3) < 1e-4)
    #expect(abs(result.certificate.objective - 2 / 3) < 1e-8)
    #expect(result.rowCount == 2)
  }

  /// Of all losses, plain and with everything else.
  @Test(arguments: Loss.allCases)
  func nothingDroppedChangesNothing(_ loss: Loss) throws {
    try withTemporaryFolder { folder in
      let store = try StoreFixture.random().write("\(folder)/store")
      var files: [Data] = []
      for dropout in [nil, Dropout(probability: 0, copies: 5, seed: 3)] {
        let options = TrainingOptions(loss: loss, normalization: .l2, dropout: dropout)
        let result = try train(try StoreRows(store, layer: "fc6"), options)[0]
        try Classifier(
          result, options: options,
          features: FeatureOrigin(store.provenance, layer: store.provenance.layers[0])
        ).save("\(folder)/c")
        files.append(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/c")))
      }
      #expect(files[0] == files[1])
    }
  }

  /// A row's copies are the same in every block, and with more copies beside them.
  @Test func copiesDependOnTheirNumbersAlone() throws {
    let rows = Self.rows(20, seed: 72)
    let few = DroppedRows(
      base: rows, normalization: .l2, dropout: Dropout(probability: 0.3, copies: 3))
    let many = DroppedRows(
      base: rows, normalization: .l2, dropout: Dropout(probability: 0.3, copies: 5))
    let all = try Self.features(few, 30..<60)
    for range in [30..<31, 31..<34, 35..<60, 32..<32] {
      let expected = all[(range.lowerBound - 30) * 9..<(range.upperBound - 30) * 9]
      #expect(try Self.features(few, range) == Array(expected))
    }
    #expect(try Self.features(many, 50..<53) == Array(all[0..<27]))
    let other = DroppedRows(
      base: rows, normalization: .l2, dropout: Dropout(probability: 0.3, copies: 3, seed: 1))
    #expect(try Self.features(other, 30..<60) != all)
  }

  @Test func rowIsTheMeanOfItsCopies() throws {
    let rows = Self.rows(20, seed: 73)
    let copies = 1000
    let dropped = DroppedRows(
      base: rows, normalization: .l2, dropout: Dropout(probability: 0.5, copies: copies, seed: 4))
    let row = rows.values[27..<36]
    let length = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let noised = try Self.features(dropped, 3 * copies..<4 * copies)
    for (j, x) in row.enumerated() {
      let mean = (0..<copies).reduce(0) { $0 + Double(noised[$1 * 9 + j]) } / Double(copies)
      let expected = Double(x) / length
      // Five standard deviations: a feature is 0 or twice its size.
      #expect(abs(mean - expected) <= 5 * expected / Double(copies).squareRoot())
    }
  }

  /// Folds hold out all copies of a row, and are tested on the row itself.
  @Test(arguments: problems)
  func foldsAreTestedOnCleanRows(_ options: TrainingOptions) throws {
    let rows = Self.rows(300, seed: 74)
    let assignment = FoldAssignment.stratified(rows, foldCount: 3, seed: 2)
    for ranks in [1, 3] {
      let found = try InProcessCommunicator.run(size: ranks) { communicator in
        try Trainer(options, communicator: communicator, team: ThreadTeam(threadCount: 1))
          .crossValidate(rows, path: [0.01, 1], assignment: assignment)
      }
      for candidate in found[ranks - 1].candidates {
        for fold in 0..<3 {
          var options = options
          options.C = candidate.C
          let kept = try WeightedRows(
            rows, weights: assignment.folds.map { $0 == fold ? 0 : 1 })
          let result = try train(kept, options)[0]
          let held = (0..<300).filter { assignment.folds[$0] == fold }
          #expect(found[0].heldOut[fold] == held.count)
          let correct = held.count { row in
            let scores = (0..<3).map { k in
              (0..<9).reduce(result.bias[k]) {
                $0 + result.weights[k * 9 + $1] * Double(rows.values[row * 9 + $1])
              }
            }
            return scores.firstIndex(of: scores.max()!) == rows.labels[row]
          }
          // Folds are solved less exactly: a row on the border may fall to either side.
          #expect(abs(candidate.correct[fold] - correct) <= 2)
        }
      }
    }
  }

  /// Several stores, one in half precision: as one, on any number of ranks; and kept in the file.
  @Test func severalStoresAndHalfPrecision() throws {
    try withTemporaryFolder { folder in
      var half = StoreFixture.random(rowCount: 70, seed: 75)
      half.dtype = .float16
      let stores = [
        try StoreFixture.random().write("\(folder)/a"), try half.write("\(folder)/b"),
      ]
      let rows = try JoinedRows(try stores.map { try StoreRows($0, layer: "fc6") })
      let dropout = Dropout(probability: 0.25, copies: 7, seed: 1)
      let options = TrainingOptions(
        normalization: .l2, standardizes: true, dropout: dropout, classWeights: .balanced)
      let result = try train(rows, options)[0]
      #expect(result.isConverged && result.rowCount == 90 + 70 - 6)
      #expect(try train(rows, options, ranks: 5)[4].weights == result.weights)
      let classifier = Classifier(
        result, options: options,
        features: FeatureOrigin(stores[0].provenance, layer: stores[0].provenance.layers[0]))
      try classifier.save("\(folder)/c")
      let loaded = try Classifier.load("\(folder)/c")
      #expect(loaded == classifier && loaded.training.dropout == dropout)
      var other = options
      other.dropout = nil
      #expect(try train(rows, other)[0].weights != result.weights)
    }
  }

  @Test func impossibleDropoutsAreRefused() {
    let options = TrainingOptions(dropout: Dropout(probability: 1, copies: 0))
    #expect(
      throws: ClassificationError.invalidOptions([
        "the dropout is 1.0, expected a number from 0 to below 1",
        "0 dropout copies of each row, expected 1…1000",
      ])
    ) { try options.validate() }
    for probability in [-0.1, .nan, .infinity] {
      let options = TrainingOptions(dropout: Dropout(probability: probability))
      #expect(throws: ClassificationError.self) { try options.validate() }
    }
  }

  /// Not a number where every copy drops it is found all the same.
  @Test func badRowsAreFoundUnderTheMask() throws {
    var rows = Self.rows(60, seed: 76)
    rows.values[7 * 9 + 2] = .nan
    let options = TrainingOptions(dropout: Dropout(probability: 0.999, copies: 1))
    #expect(throws: ClassificationError.notFinite(source: "memory", row: 7)) {
      try train(rows, options)
    }
  }
}
