import Communication
import Foundation
import Tensors
import TestSupport
import Testing

@testable import NetworkTraining

/// Learning rates, and steps of the descent.
@Suite struct SolverTests {
  private func rates(_ iterations: [Int], _ change: (inout SolverSettings) -> Void) -> [Float] {
    var settings = SolverSettings()
    settings.baseRate = 0.5
    settings.maxIterations = 100
    change(&settings)
    return iterations.map { settings.rate($0) }
  }

  @Test func policiesAreCaffes() {
    #expect(rates([0, 99]) { $0.policy = .fixed } == [0.5, 0.5])
    #expect(
      rates([0, 9, 10, 25]) { ($0.policy, $0.stepSize, $0.gamma) = (.step, 10, 0.1) }
        == [0.5, 0.5, 0.05, 0.005])
    #expect(
      rates([4, 5, 7, 8]) { ($0.policy, $0.stepValues, $0.gamma) = (.multistep, [5, 8], 0.5) }
        == [0.5, 0.25, 0.25, 0.125])
    #expect(rates([0, 50, 100]) { ($0.policy, $0.power) = (.poly, 2) } == [0.5, 0.125, 0])
    #expect(
      rates([0, 30]) { ($0.policy, $0.gamma, $0.power) = (.inv, 0.1, 0.5) } == [0.5, 0.25])
    #expect(rates([0, 2]) { ($0.policy, $0.gamma) = (.exp, 0.5) } == [0.5, 0.125])
    #expect(
      rates([10]) { ($0.policy, $0.stepSize, $0.gamma) = (.sigmoid, 10, 0.3) } == [0.25])
    #expect(rates([0, 50, 100]) { $0.policy = .cosine } == [0.5, 0.25, 0])
    #expect(rates([0, 1, 3, 4]) { $0.warmUp = 4 } == [0.125, 0.25, 0.5, 0.5])
  }

  @Test func solverFilesAreRead() throws {
    let text = """
      # as Caffe writes them
      net: "models/train_val.prototxt"
      test_iter: 100 test_interval: 1000 base_lr: 0.001 lr_policy: "multistep" gamma: 0.2
      stepvalue: 3 stepvalue: 9 display: 20 max_iter: 12 momentum: 0.8 weight_decay: 0.002
      clip_gradients: 35 random_seed: 7 type: "SGD" solver_mode: GPU
      """
    let solver = try SolverText(Array(text.utf8), source: "solver.prototxt")
    #expect(solver.network == "models/train_val.prototxt")
    #expect(solver.seed == 7)
    #expect(solver.hasIterations)
    let settings = solver.settings
    #expect(settings.policy == .multistep && settings.stepValues == [3, 9])
    #expect(settings.maxIterations == 12 && settings.clipGradients == 35)
    #expect(settings.momentum == 0.8 && settings.weightDecay == 0.002 && settings.gamma == 0.2)
    for wrong in [
      "type: \"Adam\"", "iter_size: 2", "momentum2: 0.9", "regularization_type: \"L1\"",
    ] {
      #expect(throws: TrainingError.self, "\(wrong)") {
        try SolverText(Array(wrong.utf8), source: "solver.prototxt")
      }
    }
  }

  /// One parameter, by hand: `h = momentum·h + rate·(scale·g + decay·w)`, `w -= h`.
  private func step(_ settings: SolverSettings, ranks: Int = 1) throws -> [[Float]] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      let machine = Machine(
        communicator, team: ThreadTeam(threadCount: 1), kernelClass: .supported.last!)
      let slices = TrainedParameter.slices(4, of: 1)
      let own = slices[4 * communicator.rank / ranks..<4 * (communicator.rank + 1) / ranks]
      let parameter = TrainedParameter(
        layer: "fc", name: "weight", shape: [4, 1],
        rows: own.first!.lowerBound..<own.last!.upperBound, sliceRows: 1,
        rates: ParameterRates(rate: 2, decay: 0.5))
      for slice in own {
        let row = Float(slice.lowerBound)
        parameter.set(parameter.values, rows: slice, [row + 1])
        parameter.set(parameter.gradient, rows: slice, [row - 1])
        parameter.set(parameter.history, rows: slice, [0.25])
      }
      try Descent(settings: settings).step([parameter], iteration: 0, machine)
      var whole = [Float]()
      for slice in parameter.slices {
        whole += try machine.gather(parameter, parameter.values, rows: slice)
      }
      return whole
    }
  }

  @Test(arguments: [1, 2, 4]) func stepsAreCaffes(ranks: Int) throws {
    var settings = SolverSettings()
    (settings.baseRate, settings.momentum, settings.weightDecay) = (0.5, 0.5, 0.25)
    let plain = try step(settings, ranks: ranks)[0]
    for row in 0..<4 {
      let (w, g) = (Float(row) + 1, Float(row) - 1)
      #expect(plain[row] == w - (0.125 + (g + 0.125 * w)))
    }
    // Of length √6, clipped to half of it.
    settings.clipGradients = 6.0.squareRoot() / 2
    let clipped = try step(settings, ranks: ranks)[0]
    for row in 0..<4 {
      let (w, g) = (Float(row) + 1, Float(row) - 1)
      #expect(abs(clipped[row] - (w - (0.125 + (0.5 * g + 0.125 * w)))) < 1e-6)
    }
    // LARS: the rate times trust · |w| / (|g| + decay · |w|).
    settings.clipGradients = nil
    (settings.method, settings.trust) = (.lars, 0.01)
    let scaled = try step(settings, ranks: ranks)[0]
    let (length, slope) = (30.0.squareRoot(), 6.0.squareRoot())
    let rate = Float(0.01 * length / (slope + 0.125 * length))
    for row in 0..<4 {
      let (w, g) = (Float(row) + 1, Float(row) - 1)
      #expect(abs(scaled[row] - (w - (0.125 + rate * (g + 0.125 * w)))) < 1e-6)
    }
  }
}
