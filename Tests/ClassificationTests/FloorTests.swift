import Communication
import Tensors
import Testing

@testable import Classification

/// Tolerances that weights in single precision cannot reach.
@Suite struct FloorTests {
  static let problems: [TrainingOptions] = Loss.allCases.flatMap { loss in
    [3, 30].map {
      TrainingOptions(loss: loss, C: $0, tolerance: 1e-13, method: .featureSpace)
    }
  }

  private func train(_ rows: ArrayRows, _ options: TrainingOptions) throws -> TrainingResult {
    try Trainer(
      options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
    ).train(rows)
  }

  /// Features of sizes from 1 to 32, where L-BFGS is slow, on top of a common mean, whose products
  /// with rounded weights leave an error in every logit.
  private func unevenRows() -> ArrayRows {
    var rows = ArrayRows.random(
      rowCount: 900, width: 60, classCount: 4, seed: 70, separation: 0.2)
    for i in rows.values.indices {
      rows.values[i] = (rows.values[i] + 30) * Float(1 << (i % 60 % 6))
    }
    return rows
  }

  /// 0.6 to 4 e-12 is what rounded weights leave.
  @Test(arguments: problems)
  func weightsAreStoredInDoublePrecisionWhereSingleGetsNoBetter(_ options: TrainingOptions) throws {
    let result = try train(unevenRows(), options)
    #expect(result.iterations < options.maximumIterations)
    // Of softmax at the larger C steps in double precision end a little above.
    #expect(result.isConverged || options.loss == .softmax && result.isExhausted)
    #expect(result.certificate.relativeGap < 1e-11)
    #expect(result.weights.contains { Double(Float($0)) != $0 })
    var loose = options
    loose.tolerance = 1e-10
    let rounded = try train(unevenRows(), loose)
    #expect(rounded.isConverged && rounded.weights.allSatisfy { Double(Float($0)) == $0 })
  }
}
