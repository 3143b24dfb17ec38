internal import Glibc

/// How the learning rate changes with the iterations: Caffe's `lr_policy`, and the cosine.
///
/// Source: `SGDSolver::GetLearningRate` in Caffe's `src/caffe/solvers/sgd_solver.cpp`.
package enum RatePolicy: String, Sendable, Codable, CaseIterable {
  /// As it is.
  case fixed
  /// Times `gamma` every `stepSize` iterations.
  case step
  /// Times `gamma` at each of `stepValues`.
  case multistep
  /// `(1 − i / maxIterations)^power`.
  case poly
  /// `(1 + gamma·i)^−power`.
  case inv
  /// `gamma^i`.
  case exp
  /// `1 / (1 + e^(−gamma·(i − stepSize)))`.
  case sigmoid
  /// `(1 + cos(π·i / maxIterations)) / 2` (Loshchilov and Hutter 2017, without restarts).
  case cosine
}

extension SolverSettings {
  /// The learning rate of an iteration, counted from 0; in double precision, rounded once.
  ///
  /// In the first `warmUp` iterations it grows in a straight line, from a part of the rate to all of it
  /// (Goyal et al. 2017).
  package func rate(_ iteration: Int) -> Float {
    let (i, end) = (Double(iteration), Double(maxIterations))
    let factor: Double
    switch policy {
    case .fixed: factor = 1
    case .step: factor = pow(gamma, Double(iteration / max(stepSize, 1)))
    case .multistep: factor = pow(gamma, Double(stepValues.count { $0 <= iteration }))
    case .poly: factor = pow(max(0, 1 - i / end), power)
    case .inv: factor = pow(1 + gamma * i, -power)
    case .exp: factor = pow(gamma, i)
    case .sigmoid: factor = 1 / (1 + Glibc.exp(-gamma * (i - Double(stepSize))))
    case .cosine: factor = (1 + cos(.pi * min(i / end, 1))) / 2
    }
    let warm = iteration < warmUp ? Double(iteration + 1) / Double(warmUp) : 1
    return Float(baseRate * factor * warm)
  }
}
