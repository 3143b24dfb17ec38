import Communication
import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Classification

@Suite struct WeightTests {
  private func train(
    _ rows: some RowSource, _ options: TrainingOptions, ranks: Int = 1, threads: Int = 1
  ) throws -> [TrainingResult] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(
        options, communicator: communicator, team: ThreadTeam(threadCount: threads)
      ).train(rows)
    }
  }

  /// Every loss, bias free and not, both ways of solving.
  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [false, true].flatMap { regularizesBias in
      [TrainingMethod.featureSpace, .rowSpace].map {
        TrainingOptions(
          loss: loss, C: 0.3, tolerance: 1e-9, regularizesBias: regularizesBias, method: $0)
      }
    }
  }

  private static func weighted(seed: UInt64) throws -> WeightedRows {
    let rows = ArrayRows.random(rowCount: 600, width: 15, classCount: 3, seed: seed)
    var generator = SeededGenerator(seed: seed)
    return try WeightedRows(rows, weights: (0..<600).map { _ in generator.uniform() * 3 })
  }

  @Test(arguments: problems)
  func certificateHoldsByTheDefinition(_ options: TrainingOptions) throws {
    let rows = try Self.weighted(seed: 40)
    var options = options
    options.classWeights = .named(["c0": 0.25, "c2": 3])
    let result = try train(rows, options)[0]
    #expect(result.classWeights == [0.25, 1, 3])
    let slow = try SlowObjective(rows, options, factors: result.classWeights)
    let value = slow.value(
      weights: result.weights, bias: result.bias)
    #expect(result.isConverged, "\(result.certificate)")
    // Both sum some thousand terms in double precision.
    #expect(abs(value - result.certificate.objective) <= 1e-12 * value)
    var generator = SeededGenerator(seed: 41)
    for scale: Float in [1e-4, 1e-3, 1e-2] {
      let other = slow.value(
        weights: result.weights.map { $0 + Double(scale * generator.normal()) },
        bias: result.bias.map { $0 + Double(scale * generator.normal()) })
      #expect(other >= value - result.certificate.gap)
    }
  }

  /// A row of weight 2 is two rows, one of weight 0 is none.
  @Test(arguments: problems)
  func wholeWeightsCountRows(_ options: TrainingOptions) throws {
    let rows = ArrayRows.random(rowCount: 200, width: 15, classCount: 3, seed: 42)
    let weights = (0..<200).map { Double($0 % 3) }
    let repeated = SelectedRows(
      rows, rows: (0..<200).flatMap { Array(repeating: $0, count: $0 % 3) })
    let a = try train(try WeightedRows(rows, weights: weights), options)[0]
    let b = try train(repeated, options)[0]
    #expect(a.rowCount == 133 && b.rowCount == 199)
    #expect(
      abs(a.certificate.objective - b.certificate.objective) <= 2e-9 * b.certificate.objective)
    for (x, y) in zip(a.weights + a.bias, b.weights + b.bias) { #expect(abs(x - y) < 1e-3) }
  }

  @Test(arguments: problems)
  func bytesDoNotDependOnRanks(_ options: TrainingOptions) throws {
    var rows = ArrayRows.random(rowCount: 1500, width: 12, classCount: 3, seed: 43)
    rows.failedRows = [1, 1000]
    for row in rows.failedRows { for j in 0..<12 { rows.values[row * 12 + j] = .nan } }
    let weighted = try WeightedRows(rows, weights: (0..<1500).map { Double($0 % 7) / 3 })
    var options = options
    options.tolerance = 1e-6
    options.classWeights = .balanced
    let reference = try train(weighted, options)[0]
    for (ranks, threads) in [(2, 1), (3, 2), (5, 1)] {
      for result in try train(weighted, options, ranks: ranks, threads: threads) {
        #expect(result.weights == reference.weights && result.bias == reference.bias)
        #expect(result.certificate == reference.certificate)
      }
    }
  }

  /// Names that Swift's `String` takes for equal are two classes, in rows, in files and in identities.
  @Test func weightsOfClassesGoByTheBytesOfTheirNames() throws {
    var rows = ArrayRows.random(rowCount: 60, width: 5, classCount: 3, seed: 45)
    rows.classNames = ["\u{e9}", "e\u{301}", "x"]
    let options = TrainingOptions(classWeights: .named(["\u{e9}": 0.5, "e\u{301}": 4]))
    #expect(try train(rows, options)[0].classWeights == [0.5, 4, 1])
    let other = TrainingOptions(classWeights: .named(["\u{e9}": 0.5, "e\u{301}": 3]))
    func job(_ options: TrainingOptions) throws -> String {
      var identity = TrainingIdentity(stores: [], layer: "x", options: options)
      try identity.settleKernels(InProcessCommunicator.alone())
      return identity.job(C: 1)
    }
    #expect(try job(options) != job(other) && job(options) == job(options))
    try withTemporaryFolder { folder in
      let path = "\(folder)/w"
      try Data("\u{e9} 0.5\ne\u{301} 4\n".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try WeightFile.classWeights(path) == ["\u{e9}": 0.5, "e\u{301}": 4])
    }
  }

  @Test func balancedClassesCountAlike() throws {
    let rows = ArrayRows.random(rowCount: 100, width: 5, classCount: 2, seed: 44)
    var lopsided = rows
    lopsided.labels = (0..<100).map { $0 < 20 ? 0 : 1 }
    let result = try train(lopsided, TrainingOptions(classWeights: .balanced))[0]
    #expect(result.classWeights == [2.5, 0.625])
  }

  @Test func weightFilesAreReadLineByLine() throws {
    try withTemporaryFolder { folder in
      func file(_ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/w"))
        return "\(folder)/w"
      }
      let rows = try WeightFile.rowWeights(file("1\r\n0.5\n\n2e3\n"))
      #expect(rows == [1, 0.5, 2000])
      let classes = try WeightFile.classWeights(file("cat\t2\nblack cat  0.5\n"))
      #expect(classes == ["cat": 2, "black cat": 0.5])
      #expect {
        try WeightFile.rowWeights(file("1\nx\n"))
      } throws: {
        guard case ClassificationError.invalidWeights(_, 2, _) = $0 else { return false }
        return true
      }
      #expect(throws: ClassificationError.self) { try WeightFile.classWeights(file("a 1\na 2\n")) }
      #expect(throws: ClassificationError.self) { try WeightFile.classWeights(file("a\n")) }
    }
  }

  @Test func weightsOutOfRangeAreRefused() {
    for bad in [0, -1, .nan, Double.infinity] {
      #expect(throws: ClassificationError.self) {
        try TrainingOptions(classWeights: .named(["a": bad])).validate()
      }
    }
  }

  @Test func classesAreKnownByTheirBytes() throws {
    try withTemporaryFolder { folder in
      let path = try writeTestFile(
        Array("\u{feff}\u{e9} 2\ne\u{301} 3\n".utf8), "w", in: folder)
      let weights = try WeightFile.classWeights(path)
      #expect(weights == ["\u{e9}": 2, "e\u{301}": 3])
      #expect(
        ClassWeights.named(weights).values(names: ["e\u{301}", "\u{e9}"], counts: [1, 1]) == [3, 2])
    }
  }
}
