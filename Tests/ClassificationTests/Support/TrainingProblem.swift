import Communication
import Tensors

@testable import Classification

/// A training, of one C or of many.
struct TrainingProblem: Sendable {
  var rows: ArrayRows
  var options: TrainingOptions
  var start: Classifier?
  var path: [Double]?

  var identity: TrainingIdentity {
    TrainingIdentity(
      stores: [], layer: "x", options: options, path: path, folds: path == nil ? nil : 3,
      start: start)
  }

  func run(_ communicator: any Communicator, threads: Int, _ checkpointer: Checkpointer?) throws
    -> Outcome
  {
    let trainer = try Trainer(
      options, communicator: communicator, team: ThreadTeam(threadCount: threads),
      checkpointer: checkpointer)
    guard let path else { return Outcome(try trainer.train(rows, from: start)) }
    let (result, validation) = try trainer.train(
      rows, path: path, assignment: .stratified(rows, foldCount: 3, seed: 1))
    return Outcome(result, validation)
  }

  /// What a rank ends with, to the bit.
  struct Outcome: Equatable, Sendable {
    var weights: [UInt64]
    var bias: [UInt64]
    var certificate: Certificate
    var iterations: Int
    var passes: Int
    var validation: CrossValidation?

    init(_ result: TrainingResult, _ validation: CrossValidation? = nil) {
      weights = result.weights.map(\.bitPattern)
      bias = result.bias.map(\.bitPattern)
      certificate = result.certificate
      (iterations, passes) = (result.iterations, result.passes)
      self.validation = validation
    }
  }
}

extension ArrayRows {
  /// More rows than one block, and than features, which differ in size: many iterations.
  static func tall(seed: UInt64) -> ArrayRows {
    var rows = ArrayRows.random(
      rowCount: 1400, width: 13, classCount: 4, seed: seed, separation: 0.3)
    for i in rows.values.indices { rows.values[i] *= Float(1 << (i % 13 % 7)) }
    rows.failedRows = [0, 600]
    for row in rows.failedRows {
      for j in 0..<13 { rows.values[row * 13 + j] = .nan }
    }
    return rows
  }
}
