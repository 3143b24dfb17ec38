import Foundation
import Tensors
import Testing

@testable import Classification

@Suite struct LossTests {
  /// A block of four rows and three classes with logits away from the hinge's kink at 1.
  private static func block() -> RowBlock {
    let block = RowBlock(rows: 0..<5, kept: [0, 2, 3, 4], labels: [2, 0, 1, 1])
    block.scales = [1, 1, 1, 1]
    block.logits = [0.3, -0.7, 1.6, 2.5, -3, 0.1, -40, 45, 3, 0, 0, 0]
    block.directionLogits = [1, -2, 0.5, 0.25, 1, -1, 3, 0, -0.5, 2, 1, 1]
    return block
  }

  private static func evaluation(_ loss: Loss, step: Double, bias: [Double]) -> LossEvaluation {
    let request = LossEvaluation.Request(
      classes: [0, 1, 2], columns: [0, 1, 2], directionCount: 3, steps: [step, step, step],
      bias: bias)
    return LossEvaluation(
      values: loss.evaluate(block(), request, classCount: 3, Workspace(), .fastest), classCount: 3)
  }

  /// Central differences with step h err by h² times a third derivative of about 1.
  private static let step = 1e-4
  private static let tolerance = 1e-6

  @Test(arguments: Loss.allCases)
  func slopeIsTheDerivativeAlongTheDirection(_ loss: Loss) {
    let bias = [0.1, -0.2, 0.05]
    let (h, t) = (Self.step, 0.3)
    let up = Self.evaluation(loss, step: t + h, bias: bias).loss.reduce(0, +)
    let down = Self.evaluation(loss, step: t - h, bias: bias).loss.reduce(0, +)
    let slope = Self.evaluation(loss, step: t, bias: bias).slope.reduce(0, +)
    let difference = (up - down) / (2 * h)
    #expect(abs(slope - difference) <= Self.tolerance * max(1, abs(difference)))
  }

  @Test(arguments: Loss.allCases, 0..<3)
  func residualIsTheDerivativeInTheBias(_ loss: Loss, _ k: Int) {
    let bias = [0.1, -0.2, 0.05]
    let h = Self.step
    func moved(_ by: Double) -> LossEvaluation {
      var bias = bias
      bias[k] += by
      return Self.evaluation(loss, step: 0.3, bias: bias)
    }
    let difference = (moved(h).loss.reduce(0, +) - moved(-h).loss.reduce(0, +)) / (2 * h)
    #expect(abs(moved(0).residual[k] - difference) <= Self.tolerance * max(1, abs(difference)))
    if loss.isSeparable {
      let curvature = (moved(h).residual[k] - moved(-h).residual[k]) / (2 * h)
      #expect(abs(moved(0).curvature[k] - curvature) <= Self.tolerance * max(1, abs(curvature)))
    }
  }

  @Test func curvatureMatrixIsTheDerivativeOfResiduals() {
    let bias = [0.1, -0.2, 0.05]
    let workspace = Workspace()
    workspace.curvature = .init(rowCount: 3, columnBounds: [1, 1, 1])
    workspace.curvature!.reset(rowBounds: [4, 4, 4])
    var request = LossEvaluation.Request(
      classes: [0, 1, 2], columns: [0, 1, 2], directionCount: 3, steps: [0.3, 0.3, 0.3],
      bias: bias)
    request.needsCurvatureMatrix = true
    _ = Loss.softmax.evaluate(Self.block(), request, classCount: 3, workspace, .fastest)
    for k in 0..<3 {
      for l in 0..<3 where l != k {
        var (up, down) = (bias, bias)
        up[l] += Self.step
        down[l] -= Self.step
        let difference =
          (Self.evaluation(.softmax, step: 0.3, bias: up).residual[k]
            - Self.evaluation(.softmax, step: 0.3, bias: down).residual[k]) / (2 * Self.step)
        // Products of probabilities are made in single precision.
        #expect(abs(-workspace.curvature!.value(row: k, column: l) - difference) < 1e-5)
      }
    }
  }

  @Test(arguments: Loss.allCases)
  func residualsOfTheGradientAreThoseOfTheEvaluation(_ loss: Loss) {
    let bias = [0.1, -0.2, 0.05]
    let workspace = Workspace()
    loss.residuals(
      of: Self.block(), classes: [0, 1, 2], bias: bias, classCount: 3, workspace, .fastest)
    let residuals = workspace.residuals
    let evaluation = Self.evaluation(loss, step: 0, bias: bias)
    for k in 0..<3 {
      let sum = (0..<4).reduce(0) { $0 + residuals[$1 * 3 + k] }
      #expect(abs(sum - evaluation.residual[k]) < 1e-12 * max(1, abs(sum)))
    }
  }

  private static var separable: [any SeparableLoss] {
    Loss.allCases.compactMap { $0.function as? any SeparableLoss }
  }

  @Test(arguments: [-3.0, 0.2, 0.999, 1.5, 30])
  func dualityVanishesAtTheResidualAlone(_ margin: Double) {
    for loss in Self.separable {
      let derivative = loss.at(margin: margin).derivative
      // Rounding of terms of this size.
      #expect(abs(loss.duality(derivative: derivative, margin: margin)) < 1e-14 * max(1, margin))
      for factor in [0.5, 0.9] {
        let duality = loss.duality(derivative: factor * derivative, margin: margin)
        #expect(duality >= 0)
        if abs(derivative) > 1e-3 { #expect(duality > 0) }
      }
    }
  }

  /// Without a vector kernel the same sums are made row by row.
  @Test(arguments: Loss.allCases, [false, true])
  func sumsByRowAreThoseOfTheKernel(_ loss: Loss, _ hasDirection: Bool) {
    let block = Self.block()
    var input = TrainingKernels.LossInput(
      rowCount: 4, count: 3, logits: block.logits, stride: 3, biases: [0.1, -0.2, 0.05],
      labels: loss.isSeparable ? [2, -1, 1, 0] : [2, 0, 1, 0], weights: [1, 0.5, 2, 3])
    if hasDirection {
      (input.direction, input.directionStride) = (block.directionLogits, 3)
      input.steps = [0.3, 0.3, 0.2]
    }
    func sums(_ isByRow: Bool) -> [Double] {
      var terms = [Double](repeating: 0, count: 12)
      var roots = [Float](repeating: 0, count: loss.isSeparable ? 0 : 12)
      let sums =
        isByRow
        ? loss.function.sumsByRow(input, terms: &terms, roots: &roots)
        : loss.function.sums(input, terms: &terms, roots: &roots, .fastest)
      return sums.losses + sums.residuals + sums.slopes + sums.curvatures + sums.masses + terms
        + roots.map(Double.init)
    }
    for (a, b) in zip(sums(true), sums(false)) { #expect(abs(a - b) <= 1e-14 * max(1, abs(b))) }
  }

  /// Whatever the sums were, as long as they are of residuals.
  @Test(arguments: Loss.allCases)
  func repairedResidualsSumToZero(_ loss: Loss) {
    let (block, bias) = (Self.block(), [0.1, -0.2, 0.05])
    let evaluation = Self.evaluation(loss, step: 0, bias: bias)
    let point = DualPoint(
      bias: bias, primalBias: bias, biasOnly: [0.2, 0.5, -0.7],
      repair: loss.function.repair(
        ResidualSums(
          residuals: evaluation.residual, ownMasses: evaluation.positiveMass,
          classMasses: [1, 2, 1])))
    var target = [Double](repeating: 0, count: 12)
    let sums = point.residuals(
      of: block, primalLogits: block.logits, classCount: 3, into: &target)
    for (k, sum) in sums.residual.enumerated() {
      #expect(abs(sum) < 1e-12 * max(1, evaluation.positiveMass[k]))
      let summed = (0..<4).reduce(0.0) { $0 + target[$1 * 3 + k] }
      #expect(abs(summed - sum) < 1e-12)
    }
    #expect(sums.duality.allSatisfy { $0 >= 0 && $0.isFinite })
    #expect(sums.dualityOfBiasOnly.reduce(0, +) > 0)
  }

  /// The best bias without weights has no slope: against the losses by their definition.
  @Test(arguments: Loss.allCases, [0, 1e-9, 0.3, 1e9])
  func biasOnlyModelIsAMinimum(_ loss: Loss, _ penalty: Double) {
    let shares = [0.7, 0.2, 0.1]
    func value(_ bias: [Double]) -> Double {
      var sum = bias.reduce(0) { $0 + $1 * $1 } * penalty / 2
      for (label, share) in shares.enumerated() {
        var (row, losses, curvature) = (bias, [0.0, 0, 0], [Double]())
        loss.function.derive(
          &row, label: label, weight: share, losses: &losses, curvature: &curvature)
        sum += losses.reduce(0, +)
      }
      return sum
    }
    let (best, losses) = loss.function.biasOnly(shares: shares, penalty: penalty)
    let smallest = value(best)
    let penalized = losses.reduce(0, +) + best.reduce(0) { $0 + $1 * $1 } * penalty / 2
    #expect(abs(penalized - smallest) <= 1e-14 * smallest)
    for k in 0..<3 {
      for step in [-1e-4, 1e-4] {
        var other = best
        other[k] += step * max(1e-3, abs(best[k]))
        #expect(value(other) >= smallest * (1 - 1e-15))
      }
    }
  }

  @Test func extremeLogitsStayFinite() {
    for loss in Self.separable {
      for margin in [-1e4, -800.0, 0, 800, 1e4] {
        let term = loss.at(margin: margin)
        #expect(term.loss.isFinite && term.derivative.isFinite && term.curvature.isFinite)
      }
    }
    var row = [-1e4, 900, 0]
    #expect(abs(SoftmaxLoss().normalize(&row, label: 0) - 10900) < 1e-9)
    #expect(row == [0, 1, 0])
  }
}
