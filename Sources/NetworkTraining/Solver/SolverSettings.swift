/// Stochastic gradient descent as Caffe's `solver.prototxt` describes it.
package struct SolverSettings: Hashable, Sendable, Codable {
  package enum Method: String, Sendable, Codable, CaseIterable {
    /// Momentum and weight decay.
    case sgd
    /// The same with a rate for each parameter, from the lengths of weights and gradient (You et al.
    /// 2017).
    case lars
  }

  package var method = Method.sgd
  package var baseRate = 0.01
  package var policy = RatePolicy.fixed
  package var gamma = 0.1
  package var power = 1.0
  package var stepSize = 1
  package var stepValues: [Int] = []
  package var warmUp = 0
  package var momentum = 0.9
  package var weightDecay = 0.0005
  /// The length that the gradient of all parameters together may have; nil for any.
  package var clipGradients: Double?
  /// LARS's trust in a parameter's rate.
  package var trust = 0.001
  /// The iterations that a training has.
  package var maxIterations = 1

  package init() {}

  /// All that is wrong with the settings.
  package var problems: [String] {
    var problems: [String] = []
    func require(_ isRight: Bool, _ problem: String) { if !isRight { problems.append(problem) } }
    require(baseRate > 0 && baseRate.isFinite, "base-lr: expected above 0, found \(baseRate)")
    require(momentum >= 0 && momentum < 1, "momentum: expected 0..<1, found \(momentum)")
    require(
      weightDecay >= 0 && weightDecay.isFinite,
      "weight-decay: expected 0 or more, found \(weightDecay)")
    require(gamma > 0 && gamma.isFinite, "gamma: expected above 0, found \(gamma)")
    require(power.isFinite, "power: expected a number, found \(power)")
    require(warmUp >= 0, "warm-up: expected 0 or more, found \(warmUp)")
    require(trust > 0 && trust.isFinite, "trust: expected above 0, found \(trust)")
    require(clipGradients.map { $0 > 0 } ?? true, "clip-gradients: expected above 0")
    require(maxIterations >= 1, "iterations: expected 1 or more, found \(maxIterations)")
    if [.step, .sigmoid].contains(policy) {
      require(stepSize >= 1, "step-size: expected 1 or more, found \(stepSize)")
    }
    if policy == .multistep {
      require(!stepValues.isEmpty, "step-values: the policy multistep needs some")
      require(stepValues == stepValues.sorted(), "step-values: expected numbers that grow")
    }
    return problems
  }
}
