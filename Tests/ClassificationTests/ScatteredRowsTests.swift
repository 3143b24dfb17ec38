import Communication
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Classification

/// Stores that lie on different hosts are trained on as if one host had them all.
@Suite struct ScatteredRowsTests {
  /// Stores a, b and c in a folder; blocks of 512 rows span all three.
  private func write(_ folder: String, width: Int, rowCounts: [Int]) throws {
    for (index, count) in rowCounts.enumerated() {
      var fixture = StoreFixture(
        rows: ArrayRows.random(
          rowCount: count, width: width, classCount: 3, seed: UInt64(30 + index),
          separation: 0.2))
      // Each store has two classes that no other has in the same place.
      fixture.rows.classNames = [["x", "y", "z"], ["y", "z", "x"], ["w", "x", "y"]][index]
      fixture.rows.failedRows = [2]
      fixture.rows.labels[4] = nil
      _ = try fixture.write("\(folder)/\("abc".map { $0 }[index])")
    }
  }

  /// By rank, the stores that it sees.
  private static let holdings = [
    ["a", "b", "c"], ["ab", "c"], ["a", "bc", "a"], ["a", "b", "a", "c", "b"],
  ]

  private func outcome(
    _ stores: TrainingStores, _ options: TrainingOptions, path: [Double]?,
    _ communicator: any Communicator
  ) throws -> TrainingProblem.Outcome {
    let trainer = try Trainer(
      options, communicator: communicator, team: ThreadTeam(threadCount: 2), checkpointer: nil)
    guard let path else { return TrainingProblem.Outcome(try trainer.train(stores.rows)) }
    let (result, validation) = try trainer.train(
      stores.rows, path: path,
      assignment: .stratified(stores.rows, foldCount: 3, seed: 1))
    return TrainingProblem.Outcome(result, validation)
  }

  private func check(
    width: Int, rowCounts: [Int], _ options: TrainingOptions, path: [Double]? = nil
  ) throws {
    try withTemporaryFolder { folder in
      try write(folder, width: width, rowCounts: rowCounts)
      let whole = try TrainingStores(["a", "b", "c"].map { "\(folder)/\($0)" }, layer: "fc6")
      let expected = try outcome(whole, options, path: path, InProcessCommunicator.alone())
      for holdings in Self.holdings {
        let found = try InProcessCommunicator.run(size: holdings.count) { communicator in
          let paths = holdings[communicator.rank].map { "\(folder)/\($0)" }
          let stores = try TrainingStores(onEachHost: paths, layer: "fc6", communicator)
          #expect(stores.identities == whole.identities && stores.origin == whole.origin)
          return try outcome(stores, options, path: path, communicator)
        }
        #expect(found.allSatisfy { $0 == expected }, "\(holdings)")
      }
    }
  }

  @Test(arguments: [Loss.softmax, .logistic, .squaredHinge], [false, true])
  func manyRowsGiveTheSameBytes(loss: Loss, standardizes: Bool) throws {
    var options = TrainingOptions(loss: loss, C: 0.3)
    options.standardizes = standardizes
    try check(width: 6, rowCounts: [700, 300, 40], options)
  }

  @Test(arguments: [Loss.softmax, .squaredHinge])
  func fewRowsGiveTheSameBytes(loss: Loss) throws {
    var options = TrainingOptions(loss: loss, C: 1)
    options.normalization = .l2
    try check(width: 700, rowCounts: [300, 200, 60], options)
    options.method = .rowSpace
    try check(width: 700, rowCounts: [300, 200, 60], options)
  }

  @Test(arguments: [Loss.softmax, .squaredHinge])
  func foldsAndNoisedCopiesGiveTheSameBytes(loss: Loss) throws {
    var options = TrainingOptions(loss: loss, C: 0.3)
    try check(width: 6, rowCounts: [700, 300, 40], options, path: [0.01, 1])
    options.dropout = Dropout(probability: 0.5, copies: 3, seed: 5)
    try check(width: 6, rowCounts: [700, 300, 40], options)
  }

  /// Features of other weights are refused by all, with the hosts named.
  @Test func storesThatDifferAreRefusedByAll() throws {
    try withTemporaryFolder { folder in
      _ = try StoreFixture.random().write("\(folder)/a")
      var other = StoreFixture.random(seed: 21)
      other.weights = "other"
      _ = try other.write("\(folder)/b")
      let errors = try InProcessCommunicator.run(size: 2) { communicator in
        #expect(throws: JobFailure.self) {
          _ = try TrainingStores(
            onEachHost: ["\(folder)/\(communicator.rank == 0 ? "a" : "b")"], layer: "fc6",
            communicator)
        }?.description
      }
      #expect(errors[0]?.contains("/b on") == true && errors[0] == errors[1], "\(errors)")
    }
  }
}
