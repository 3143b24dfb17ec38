import Communication
import Foundation
import Tensors
import Testing

@testable import Classification

/// Features and C of any size: training ends certified, or says that it is not; it never stands still.
@Suite struct ScaleTests {
  private func train(_ rows: some RowSource, _ options: TrainingOptions) throws -> TrainingResult {
    try Trainer(
      options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
    ).train(rows)
  }

  static let forms: [(loss: Loss, regularizesBias: Bool)] = Loss.allCases.flatMap { loss in
    [false, true].map { (loss, $0) }
  }

  private func rows(scale: Float, isWide: Bool = false, seed: UInt64 = 60) -> ArrayRows {
    var rows = ArrayRows.random(
      rowCount: isWide ? 30 : 120, width: isWide ? 40 : 5, classCount: 3, seed: seed)
    for i in rows.values.indices { rows.values[i] *= scale }
    return rows
  }

  /// Where C·‖x‖² is moderate, scales alone must not matter.
  @Test(arguments: forms.map(\.loss), [1e-6, 1e-3, 1, 1e3, 1e6] as [Float])
  func featuresAndCOfOppositeScalesAreTrainedOn(_ loss: Loss, _ scale: Float) throws {
    for isWide in [false, true] {
      let options = TrainingOptions(loss: loss, C: 0.3 / Double(scale * scale))
      let result = try train(rows(scale: scale, isWide: isWide), options)
      #expect(
        result.isConverged && result.certificate.largestRatio <= 1e-6,
        "\(loss.rawValue), \(scale): \(result.certificate)")
      #expect(result.weights.contains { $0 != 0 })
    }
  }

  /// Beside a regularized bias, a feature of 1, features of 1e-6 are worth little: what single
  /// precision of the bias leaves of the gap is more than a millionth of that.
  @Test(arguments: forms.map(\.loss), [1e-6, 1e-3, 1, 1e3] as [Float])
  func scalesBesideARegularizedBiasAreTrainedOn(_ loss: Loss, _ scale: Float) throws {
    for isWide in [false, true] {
      let result = try train(
        rows(scale: scale, isWide: isWide), TrainingOptions(loss: loss, C: 1, regularizesBias: true)
      )
      #expect(result.isConverged || scale == 1e-6 && result.isExhausted, "\(result.certificate)")
      #expect(result.certificate.largestRatio <= (scale == 1e-6 ? 1e-4 : 1e-6))
    }
  }

  /// Raw activations and a large C: the first step was 0, and so all others.
  @Test(arguments: forms.map(\.loss), [1e-8, 1, 1e4, 1e8])
  func hugeFeaturesMoveTheWeights(_ loss: Loss, _ C: Double) throws {
    for regularizesBias in [false, true] {
      for isWide in [false, true] {
        let options = TrainingOptions(loss: loss, C: C, regularizesBias: regularizesBias)
        let result = try train(rows(scale: 1e6, isWide: isWide), options)
        #expect(result.weights.contains { $0 != 0 })
        #expect(result.certificate.relativeGap <= 1 && result.certificate.gap >= 0)
        #expect(result.isConverged == (result.certificate.largestRatio <= options.tolerance))
      }
    }
  }

  /// Rows of a million a feature, around means as large, that can be told apart: at the optimum they are
  /// sure of their class to 1e-20, and every sum must still count them.
  @Test(arguments: forms.map(\.loss), [1e-8, 1e-4, 1, 1e4, 1e8])
  func hugeSeparableRowsAreTrainedToTheTolerance(_ loss: Loss, _ C: Double) throws {
    var generator = SeededGenerator(seed: 90)
    let (count, width) = (120, 50)
    let means = (0..<width).map { _ in 5e5 * generator.normal() }
    var values: [Float] = []
    for _ in 0..<count {
      for j in 0..<width { values.append(means[j] + 1.6e6 * generator.normal()) }
    }
    let rows = ArrayRows(
      width: width, values: values, labels: (0..<count).map { $0 * 7 % 11 % 4 },
      classNames: ["a", "b", "c", "d"])
    for regularizesBias in [false, true] {
      let options = TrainingOptions(loss: loss, C: C, regularizesBias: regularizesBias)
      let result = try train(rows, options)
      #expect(result.isConverged, "\(loss.rawValue) \(C) \(regularizesBias): \(result.certificate)")
      let value = try SlowObjective(rows, options)
        .value(weights: result.weights, bias: result.bias)
      #expect(abs(value - result.certificate.objective) <= 1e-6 * value)
    }
  }

  /// One column a million times the others.
  @Test(arguments: forms.map(\.loss))
  func oneHugeColumnIsTrainedOn(_ loss: Loss) throws {
    var rows = rows(scale: 1)
    for row in 0..<rows.rowCount { rows.values[row * rows.width] *= 1e6 }
    for C in [1e-12, 1e-6] {
      let result = try train(rows, TrainingOptions(loss: loss, C: C))
      #expect(result.isConverged, "\(loss.rawValue), C \(C): \(result.certificate)")
    }
    // Beyond L-BFGS: its gradient in that column gets only so small.
    for regularizesBias in [false, true] {
      let result = try train(
        rows, TrainingOptions(loss: loss, C: 1, regularizesBias: regularizesBias))
      #expect(result.isConverged, "\(loss.rawValue): \(result.certificate)")
    }
  }

  /// The gap at zero weights is within the tolerance of the objective here, but all that there is to
  /// gain.
  @Test(arguments: forms.map(\.loss))
  func smallCIsNoExcuseForZeroWeights(_ loss: Loss) throws {
    for regularizesBias in [false, true] {
      for method in [TrainingMethod.featureSpace, .rowSpace] {
        let options = TrainingOptions(
          loss: loss, C: 1e-10, regularizesBias: regularizesBias, method: method)
        let result = try train(rows(scale: 1), options)
        let ratio = try #require(result.certificate.gapOfGain)
        #expect(result.isConverged && ratio <= 1e-6, "\(result.certificate)")
        #expect(result.weights.contains { $0 != 0 })
        #expect(result.certificate.gain! < 1e-6 * result.certificate.objective)
      }
    }
  }

  @Test func stepsOfLengthZeroAreNoMoves() throws {
    let prepared = try PreparedRows(
      rows(scale: 1), options: TrainingOptions(),
      TrainingContext(
        communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)))
    let objective = Objective(rows: prepared.rows, loss: .softmax, prepared.context)
    let direction = [Float](repeating: 0.1, count: 15)
    try objective.multiply(direction: direction, count: 3, stride: 5, precision: .single)
    let search = LineSearch(objective: objective, C: 1, eliminatesBias: true, slopeRatio: 0.2)
    var elimination = BiasElimination(objective: objective, C: 1)
    let line = LineSearch.Line(
      classes: [0, 1, 2], bias: [0, 0, 0], biasDirection: [0, 0, 0],
      groups: [
        LineSearch.Group(
          entries: 0..<3, halfSquaredNorm: 0, product: 0, squaredLength: 0.15, value: 1e9,
          slope: -1,
          firstStep: 0)
      ])
    let end = try search.search(line, &elimination)
    #expect(end.hasMoved == [false] && end.steps == [0, 0, 0])
  }

  @Test func sumsOutOfReachAreAnErrorOfTheirOwn() throws {
    let prepared = try PreparedRows(
      rows(scale: 1), options: TrainingOptions(),
      TrainingContext(
        communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)))
    let objective = Objective(rows: prepared.rows, loss: .squaredHinge, prepared.context)
    for bounds in [[1, .infinity, 1], [1, 1, .nan], [1e-3, 1e-3, 1e-3]] {
      #expect {
        _ = try objective.gradient(
          classes: [0, 1, 2], bias: [0, 0, 0], massBounds: bounds, precision: .double)
      } throws: {
        guard case ClassificationError.saturated = $0 else { return false }
        return true
      }
    }
    for block in prepared.rows.blocks {
      block.directionLogits = [Double](repeating: 1e200, count: block.count)
    }
    #expect(throws: ClassificationError.saturated("logits")) {
      try objective.directionEnergies(count: 1)
    }
  }

  @Test(arguments: [1e42, 1e300, 1e-300, -1, 0, .nan, .infinity])
  func constantBeyondItsBoundsIsRefusedByName(_ C: Double) {
    #expect {
      try TrainingOptions(C: C).validate()
    } throws: {
      "\($0)".contains("C is \(C), expected a number from 1e-15 to 1e15")
    }
  }

  /// Random small problems against optima of another solver: the short form of
  /// `Scripts/checks/training.py`.
  @Test(arguments: 0..<72)
  func certificateIsNeverBelowTheTrueGap(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed, stream: 7)
    func draw(_ low: Double, _ high: Double) -> Double { low + (high - low) * generator.uniform() }
    let isWide = seed % 2 == 1
    var rows = ArrayRows.random(
      rowCount: Int(isWide ? draw(5, 8) : draw(20, 60)),
      width: Int(isWide ? draw(8, 11) : draw(1, 6)),
      classCount: 2 + Int(seed / 6 % 2), seed: seed,
      separation: Float([0.1, 0.5, 2][Int(seed % 3)]))
    let (scale, offset) = (Float(pow(10, draw(-6, 6))), Float([0, 0, 3][Int(seed / 2 % 3)]))
    let isDoubled = rows.width > 2 && seed % 4 == 0
    for row in 0..<rows.rowCount {
      let base = row * rows.width
      if isDoubled { (rows.values[base], rows.values[base + 1]) = (1, rows.values[base + 2]) }
      for j in 0..<rows.width { rows.values[base + j] = (rows.values[base + j] + offset) * scale }
    }
    let form = Self.forms[Int(seed % 6)]
    let options = TrainingOptions(
      loss: form.loss, C: pow(10, draw(-6, 8)), regularizesBias: form.regularizesBias)
    let result = try train(rows, options)
    let slow = try SlowObjective(rows, options)
    let own = slow.value(
      weights: result.weights, bias: result.bias)
    let optimum = SlowOptimum(rows, options).solve()
    let best = slow.value(weights: optimum.weights, bias: optimum.bias)
    // Double precision knows either objective to some 1e-13 of its size.
    #expect(
      own - best <= result.certificate.gap * (1 + 1e-6) + 1e-13 * own,
      "\(options): \(own) above \(best), \(result.certificate)")
    #expect(result.certificate.relativeGap <= 1)
    if result.isConverged { #expect(own - best <= 1e-6 * own + 1e-13 * own) }
  }
}
