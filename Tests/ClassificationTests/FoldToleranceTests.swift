import Communication
import Foundation
import Tensors
import Testing

@testable import Classification

/// Folds stop at a gap that does not move an accuracy: 360 cells of data, loss, C and fold, against
/// optima on the same folds. With `DECAF_LONG` set it prints how many other gaps move.
@Suite struct FoldToleranceTests {
  private func validate(
    _ rows: ArrayRows, _ options: TrainingOptions, tolerance: Double
  ) throws -> CrossValidation {
    let context = try TrainingContext(
      communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1))
    var validator = CrossValidator(
      prepared: try PreparedRows(rows, options: options, context), options: options,
      assignment: .stratified(rows, foldCount: 5, seed: 3),
      path: [1e-8, 1e-6, 1e-4, 1e-2, 1, 10, 100, 1000])
    validator.tolerance = tolerance
    return try validator.run()
  }

  /// More rows than features, and fewer; lengths of 1, as pool5 is trained on, and raw.
  @Test(arguments: Loss.allCases, [0, 1, 2])
  func accuraciesAreThoseOfTheOptima(_ loss: Loss, _ data: Int) throws {
    let rows = ArrayRows.random(
      rowCount: data == 0 ? 120 : 400, width: data == 0 ? 150 : 20, classCount: 5,
      seed: UInt64(80 + data), separation: data == 0 ? 0.2 : 0.4)
    let options = TrainingOptions(
      loss: loss, normalization: data == 2 ? .none : .l2)
    let optima = try validate(rows, options, tolerance: 1e-11)
    var moved: [Double: Int] = [:]
    let isLong = ProcessInfo.processInfo.environment["DECAF_LONG"] != nil
    let usual = CrossValidator.usualTolerance
    let tolerances = isLong ? [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, usual, 1e-9] : [usual]
    for tolerance in tolerances {
      let found = try validate(rows, options, tolerance: tolerance)
      moved[tolerance] = zip(found.candidates, optima.candidates).reduce(0) { sum, pair in
        sum + zip(pair.0.correct, pair.1.correct).count { $0 != $1 }
      }
      if isLong {
        print("\(loss.rawValue) \(data) \(tolerance): \(moved[tolerance]!) of 40 cells moved")
      }
    }
    #expect(moved[CrossValidator.usualTolerance] == 0)
  }
}
