import Communication
import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Classification

/// What a certificate makes of residuals that do not sum to zero, term by term and by hand.
@Suite struct CertificateResidualTests {
  /// Sums as no training leaves them: what rounding leaves of the repair, made large.
  private func certificate(
    residual: [Double], bias: [Double], regularizesBias: Bool, _ loss: Loss = .squaredHinge
  ) throws -> (certificate: Certificate, biasOnly: BiasOnlyModel) {
    let rows = ArrayRows.random(rowCount: 40, width: 3, classCount: 2, seed: 4)
    let options = TrainingOptions(loss: loss, C: 2, regularizesBias: regularizesBias)
    let context = try TrainingContext(
      communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1))
    let local = try LocalRows(rows, options: options, context)
    let objective = Objective(rows: local, loss: loss, context)
    let certifier = Certifier(objective: objective, C: 2, regularizesBias: regularizesBias)
    var gradient = FixedPointSum(rowCount: 2, columnBounds: [1, 1, 1])
    gradient.reset(rowBounds: [1, 1])
    var sums = DualSums(classCount: 2)
    (sums.loss, sums.duality, sums.dualityOfBiasOnly) = ([30, 20], [1, 0.5], [2, 4])
    sums.residual = residual
    return (
      try certifier.certificate(
        [0, 0, 0, 0, 0, 0], bias, gradient, sums, referenceNorm: 2),
      BiasOnlyModel(
        loss: loss, classMasses: local.classMasses, C: 2, regularizesBias: regularizesBias)
    )
  }

  /// The term `−b·Σr` of a free bias counts against the classifier, whatever its sign.
  @Test(
    arguments: [[0, 0], [0.5, 0], [0, -0.25], [-0.5, 0.25]], [[1, 2], [-3, 1]] as [[Double]])
  func freeBiasPaysForResidualsLeft(_ residual: [Double], _ bias: [Double]) throws {
    let (found, biasOnly) = try certificate(
      residual: residual, bias: bias, regularizesBias: false)
    let price = zip(bias, residual).map { 2 * abs($0 * $1) }.reduce(0, +)
    #expect(abs(found.objective - 100) < 1e-12)
    #expect(abs(found.gap - (2 * 1.5 + price)) < 1e-12)
    let discount = zip(biasOnly.bias, residual).map { 2 * abs($0 * $1) }.reduce(0, +)
    let gain = min(max(0, 12 - discount), biasOnly.values.reduce(0, +))
    #expect(abs(try #require(found.gain) - gain) < 1e-12)
    #expect(found.relativeGradient == 0)
  }

  /// A regularized bias is a weight like others: `½(b + C·Σr)²`.
  @Test(arguments: [[0, 0], [0.5, 0], [-0.5, 0.25]], [[1, 2], [-3, 1]] as [[Double]])
  func regularizedBiasIsAWeight(_ residual: [Double], _ bias: [Double]) throws {
    let (found, biasOnly) = try certificate(residual: residual, bias: bias, regularizesBias: true)
    let squares = bias.map { Double($0 * $0) }.reduce(0, +)
    let squared = zip(bias, residual).map { b, sum -> Double in
      let difference = Double(b) + 2 * sum
      return difference * difference
    }.reduce(0, +)
    #expect(abs(found.objective - (squares / 2 + 100)) < 1e-12)
    #expect(abs(found.gap - (2 * 1.5 + squared / 2)) < 1e-12)
    let dual = zip(biasOnly.bias, residual).map { only, sum -> Double in
      let difference = only + 2 * sum
      return difference * difference
    }.reduce(0, +)
    let gain = min(12 + dual / 2, biasOnly.values.reduce(0, +))
    #expect(abs(try #require(found.gain) - gain) < 1e-12)
    #expect(abs(found.relativeGradient - squared.squareRoot() / 2) < 1e-12)
  }

  /// A checkpoint is on the device before it takes the place of the last one.
  @Test func checkpointIsDurableBeforeItsName() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/c"
      var record = CheckpointRecord()
      record.numbers["x"] = [1, 2]
      let changes = try DiskProbe.changes {
        try CheckpointFile(job: .object([:]), phase: "rows", record: record).save(path)
      }
      #expect(
        changes.suffix(3) == [
          .synchronize(path + ".partial"), .rename(path + ".partial", to: path),
          .synchronizeFolder(folder),
        ])
      #expect(changes.dropLast(3).allSatisfy { $0 == .write(path + ".partial") })
    }
  }

  /// After a write the interval begins anew: else every iteration would write.
  @Test func checkpointsAreAnIntervalApart() throws {
    try withTemporaryFolder { folder in
      let problem = TrainingProblem(rows: .tall(seed: 1), options: TrainingOptions(loss: .softmax))
      let checkpointer = try Checkpointer(
        "\(folder)/c", of: problem.identity, .init(interval: .milliseconds(500)),
        communicator: InProcessCommunicator.alone())
      #expect(!checkpointer.isPauseDue())
      usleep(510_000)
      #expect(checkpointer.isPauseDue())
      try checkpointer.pause(.rows) { CheckpointRecord() }
      #expect(try FileSystem.byteCount(of: "\(folder)/c") != nil)
      #expect(!checkpointer.isPauseDue())
    }
  }
}
