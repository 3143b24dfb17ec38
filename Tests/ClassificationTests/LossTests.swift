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

  private static func sweep(_ loss: Loss, step: Double, bias: [Double]) -> Sweep {
    let request = Sweep.Request(
      classes: [0, 1, 2], columns: [0, 1, 2], directionCount: 3, steps: [step, step, step],
      bias: bias)
    return Sweep(
      values: loss.sweep(block(), request, classCount: 3, Workspace(), .fastest), classCount: 3)
  }

  /// Central differences with step h err by h² times a third derivative of about 1.
  private static let step = 1e-4
  private static let tolerance = 1e-6

  @Test(arguments: Loss.allCases)
  func slopeIsTheDerivativeAlongTheDirection(_ loss: Loss) {
    let bias = [0.1, -0.2, 0.05]
    let (h, t) = (Self.step, 0.3)
    let up = Self.sweep(loss, step: t + h, bias: bias).loss.reduce(0, +)
    let down = Self.sweep(loss, step: t - h, bias: bias).loss.reduce(0, +)
    let slope = Self.sweep(loss, step: t, bias: bias).slope.reduce(0, +)
    let difference = (up - down) / (2 * h)
    #expect(abs(slope - difference) <= Self.tolerance * max(1, abs(difference)))
  }

  @Test(arguments: Loss.allCases, 0..<3)
  func residualIsTheDerivativeInTheBias(_ loss: Loss, _ k: Int) {
    let bias = [0.1, -0.2, 0.05]
    let h = Self.step
    func moved(_ by: Double) -> Sweep {
      var bias = bias
      bias[k] += by
      return Self.sweep(loss, step: 0.3, bias: bias)
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
    var request = Sweep.Request(
      classes: [0, 1, 2], columns: [0, 1, 2], directionCount: 3, steps: [0.3, 0.3, 0.3],
      bias: bias)
    request.needsCurvatureMatrix = true
    _ = Loss.softmax.sweep(Self.block(), request, classCount: 3, workspace, .fastest)
    for k in 0..<3 {
      for l in 0..<3 where l != k {
        var (up, down) = (bias, bias)
        up[l] += Self.step
        down[l] -= Self.step
        let difference =
          (Self.sweep(.softmax, step: 0.3, bias: up).residual[k]
            - Self.sweep(.softmax, step: 0.3, bias: down).residual[k]) / (2 * Self.step)
        // Products of probabilities are made in single precision.
        #expect(abs(-workspace.curvature!.value(row: k, column: l) - difference) < 1e-5)
      }
    }
  }

  @Test(arguments: Loss.allCases)
  func residualsOfTheGradientAreThoseOfTheSweep(_ loss: Loss) {
    let bias = [0.1, -0.2, 0.05]
    let workspace = Workspace()
    loss.residuals(
      of: Self.block(), classes: [0, 1, 2], bias: bias, classCount: 3, workspace, .fastest)
    let residuals = workspace.wideResiduals
    let sweep = Self.sweep(loss, step: 0, bias: bias)
    for k in 0..<3 {
      let sum = (0..<4).reduce(0) { $0 + residuals[$1 * 3 + k] }
      #expect(abs(sum - sweep.residual[k]) < 1e-12 * max(1, abs(sum)))
    }
  }

  @Test(arguments: [Loss.logistic, .squaredHinge], [-3.0, 0.2, 0.999, 1.5, 30])
  func dualityVanishesAtTheResidualAlone(_ loss: Loss, _ margin: Double) {
    let residual = abs(loss.term(logit: margin, isPositive: true).residual)
    // Rounding of terms of this size.
    #expect(abs(loss.duality(magnitude: residual, margin: margin)) < 1e-14 * max(1, margin))
    for factor in [0.5, 0.9] {
      #expect(loss.duality(magnitude: factor * residual, margin: margin) >= 0)
      if residual > 1e-3 { #expect(loss.duality(magnitude: factor * residual, margin: margin) > 0) }
    }
  }

  @Test func extremeLogitsStayFinite() {
    for loss in [Loss.logistic, .squaredHinge] {
      for logit in [-1e4, -800.0, 0, 800, 1e4] {
        let term = loss.term(logit: logit, isPositive: true)
        #expect(term.loss.isFinite && term.residual.isFinite && term.curvature.isFinite)
      }
    }
    var row = [-1e4, 900, 0]
    #expect(abs(Loss.softmax(&row, label: 0) - 10900) < 1e-9)
    #expect(row == [0, 1, 0])
  }
}
