import Classification
import Communication
import Tensors
import Testing

@Suite struct CrossValidationTests {
  private func validate(
    _ rows: some RowSource, _ options: TrainingOptions, _ assignment: FoldAssignment,
    path: [Double] = [1, 1e-4, 1e-2], ranks: Int = 1, threads: Int = 1
  ) throws -> [CrossValidation] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(options, communicator: communicator, team: ThreadTeam(threadCount: threads))
        .crossValidate(rows, path: path, assignment: assignment)
    }
  }

  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [TrainingMethod.featureSpace, .rowSpace].map { TrainingOptions(loss: loss, method: $0) }
  }

  @Test func foldsShareEveryClassEqually() {
    var rows = ArrayRows.random(rowCount: 503, width: 1, classCount: 4, seed: 50)
    rows.failedRows = [7]
    rows.labels[8] = nil
    let folds = FoldAssignment.stratified(rows, foldCount: 5, seed: 1)
    #expect(folds.folds[7] == nil && folds.folds[8] == nil)
    for label in 0..<4 {
      let of = rows.labels.indices.filter { rows.labels[$0] == label && folds.folds[$0] != nil }
      let sizes = (0..<5).map { fold in of.count { folds.folds[$0] == fold } }
      #expect(sizes.max()! - sizes.min()! <= 1)
    }
    let sizes = (0..<5).map { fold in folds.folds.count { $0 == fold } }
    #expect(sizes.reduce(0, +) == 501 && sizes.max()! - sizes.min()! <= 1)
    #expect(FoldAssignment.stratified(rows, foldCount: 5, seed: 1) == folds)
    #expect(FoldAssignment.stratified(rows, foldCount: 5, seed: 2) != folds)
  }

  /// Against training on each fold's rows as a source of its own.
  @Test(arguments: problems)
  func accuracyIsThatOfClassifiersTrainedOnTheOtherFolds(_ options: TrainingOptions) throws {
    var rows = ArrayRows.random(
      rowCount: 700, width: 24, classCount: 4, seed: 51, separation: 0.3)
    rows.failedRows = [3]
    for j in 0..<24 { rows.values[3 * 24 + j] = .nan }
    let assignment = FoldAssignment.stratified(rows, foldCount: 3, seed: 5)
    let found = try validate(rows, options, assignment)[0]
    #expect(found.candidates.map(\.C) == [1e-4, 1e-2, 1])
    for candidate in found.candidates {
      for fold in 0..<3 {
        var options = options
        options.C = candidate.C
        let kept = (0..<700).filter { assignment.folds[$0] != nil && assignment.folds[$0] != fold }
        let result = try Trainer(
          options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
        ).train(SelectedRows(rows, rows: kept))
        let held = (0..<700).filter { assignment.folds[$0] == fold }
        #expect(found.heldOut[fold] == held.count)
        let correct = held.count { row in
          let scores = (0..<4).map { k in
            (0..<24).reduce(result.bias[k]) {
              $0 + result.weights[k * 24 + $1] * Double(rows.values[row * 24 + $1])
            }
          }
          return scores.firstIndex(of: scores.max()!) == rows.labels[row]
        }
        // Folds are solved less exactly: a row on the border may fall to either side.
        #expect(abs(candidate.correct[fold] - correct) <= 2)
      }
    }
    #expect(found.best == found.candidates.max { found.accuracy($0) < found.accuracy($1) })
  }

  @Test(arguments: problems)
  func resultDoesNotDependOnRanks(_ options: TrainingOptions) throws {
    let rows = ArrayRows.random(
      rowCount: 1300, width: 11, classCount: 3, seed: 52, separation: 0.2)
    let assignment = FoldAssignment.stratified(rows, foldCount: 3, seed: 5)
    var options = options
    options.normalization = .l2
    options.classWeights = .balanced
    let reference = try validate(rows, options, assignment)[0]
    for (ranks, threads) in [(2, 1), (3, 2), (5, 1)] {
      for result in try validate(rows, options, assignment, ranks: ranks, threads: threads) {
        #expect(result == reference)
      }
    }
  }

  @Test func chosenClassifierIsThatOfItsC() throws {
    let rows = ArrayRows.random(rowCount: 150, width: 200, classCount: 3, seed: 53)
    for loss in Loss.allCases {
      var options = TrainingOptions(loss: loss)
      let trainer = try Trainer(
        options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1))
      let (result, validation) = try trainer.train(
        rows, path: [1e-5, 1e-3, 0.1],
        assignment: FoldAssignment.stratified(rows, foldCount: 4, seed: 1))
      options.C = validation.best.C
      let plain = try Trainer(
        options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
      ).train(rows)
      #expect(result.weights == plain.weights && result.bias == plain.bias)
    }
  }

  /// A class with one row is absent where that row is held out, which then counts as wrong.
  @Test(arguments: problems)
  func classAbsentFromAFoldIsHarmless(_ options: TrainingOptions) throws {
    var rows = ArrayRows.random(rowCount: 60, width: 70, classCount: 3, seed: 54, separation: 2)
    rows.labels = (0..<60).map { $0 == 0 ? 2 : rows.labels[$0]! % 2 }
    let assignment = FoldAssignment.stratified(rows, foldCount: 3, seed: 1)
    let result = try validate(rows, options, assignment)[0]
    #expect(result.heldOut.reduce(0, +) == 60)
    #expect(result.candidates.allSatisfy { $0.correct.reduce(0, +) < 60 })
  }

  @Test func tiesGoToTheSmallestC() {
    let validation = CrossValidation(
      heldOut: [5, 5],
      candidates: [
        .init(C: 0.1, correct: [3, 4]), .init(C: 1, correct: [4, 4]),
        .init(C: 10, correct: [5, 3]),
      ])
    #expect(validation.best.C == 1)
    #expect(validation.accuracy(validation.best) == 0.8)
    #expect(validation.deviation(validation.best) == 0)
  }

  @Test(arguments: [TrainingMethod.featureSpace, .rowSpace])
  func foldsThatCannotBeTrainedOnAreRefused(_ method: TrainingMethod) throws {
    let rows = ArrayRows(
      width: 1, values: [1, 2, 3], labels: [0, 1, 1], classNames: ["a", "b"])
    let options = TrainingOptions(method: method)
    for folds in [[0, 1, 1], [1, 1, 1]] as [[Int?]] {
      #expect(throws: ClassificationError.unusableFold(source: "memory", fold: 0, foldCount: 2)) {
        try validate(rows, options, FoldAssignment(foldCount: 2, folds: folds))
      }
    }
  }
}
