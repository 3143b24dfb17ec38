import Classification
import Foundation

/// The smallest training objective, by damped Newton steps in double precision on all unknowns at once:
/// for a handful of features and classes.
///
/// Features are brought to magnitude 1 first, `x/s`, which is the same problem with `C·s²`; large C are
/// approached by way of smaller ones. What it finds is never below the optimum.
struct SlowOptimum {
  let rows: ArrayRows
  let options: TrainingOptions
  private let scale: Double
  private var width: Int { rows.width + 1 }
  private var count: Int { rows.classNames.count * width }

  /// - Precondition: all rows are labelled, all classes have rows and weight 1.
  init(_ rows: ArrayRows, _ options: TrainingOptions) {
    (self.rows, self.options) = (rows, options)
    scale = max(rows.values.reduce(0) { max($0, Double(abs($1))) }, .leastNormalMagnitude)
  }

  /// Weights K×D and biases, in the units of the rows.
  func solve() -> (weights: [Double], bias: [Double]) {
    let target = options.C * scale * scale
    var unknowns = [Double](repeating: 0, count: count)
    var C = 1e-2
    while C < target {
      minimize(&unknowns, C, penalty(C))
      C *= 100
    }
    minimize(&unknowns, target, penalty(target))
    let K = rows.classNames.count
    return (
      (0..<K).flatMap { k in (0..<rows.width).map { unknowns[k * width + $0] / scale } },
      (0..<K).map { unknowns[$0 * width + rows.width] }
    )
  }

  /// `½b²` counts `s²` times as much beside scaled weights.
  private func penalty(_ C: Double) -> Double {
    options.regularizesBias ? C / options.C : 0
  }

  private func minimize(_ unknowns: inout [Double], _ C: Double, _ penalty: Double) {
    var here = expansion(unknowns, C, penalty)
    for _ in 0..<100 {
      let step = Self.solve(here.hessian, here.gradient)
      var t = 1.0
      while t > 1e-10 {
        let next = zip(unknowns, step).map { $0 - t * $1 }
        let there = expansion(next, C, penalty)
        if there.value < here.value {
          let isDone = here.value - there.value <= 1e-15 * here.value
          (unknowns, here) = (next, there)
          if isDone { return }
          break
        }
        t /= 2
      }
      if t <= 1e-10 { return }
    }
  }

  /// Value, gradient and second derivatives of the objective.
  private func expansion(
    _ unknowns: [Double], _ C: Double, _ penalty: Double
  ) -> (value: Double, gradient: [Double], hessian: [[Double]]) {
    let K = rows.classNames.count
    var value = 0.0
    var gradient = [Double](repeating: 0, count: count)
    var hessian = [[Double]](repeating: gradient, count: count)
    for i in 0..<count {
      let weight = i % width == rows.width ? penalty : 1
      value += weight * unknowns[i] * unknowns[i] / 2
      gradient[i] = weight * unknowns[i]
      hessian[i][i] = weight
    }
    for row in 0..<rows.rowCount {
      let x = (0..<rows.width).map { Double(rows.values[row * rows.width + $0]) / scale } + [1]
      let f = (0..<K).map { k in x.indices.reduce(0) { $0 + unknowns[k * width + $1] * x[$1] } }
      let (loss, r, h) = terms(f, rows.labels[row]!)
      value += C * loss
      for k in 0..<K {
        for i in x.indices {
          gradient[k * width + i] += C * r[k] * x[i]
          for l in 0..<K where h[k][l] != 0 {
            for j in x.indices {
              hessian[k * width + i][l * width + j] += C * h[k][l] * x[i] * x[j]
            }
          }
        }
      }
    }
    return (value, gradient, hessian)
  }

  private func terms(
    _ f: [Double], _ label: Int
  ) -> (loss: Double, residual: [Double], curvature: [[Double]]) {
    var curvature = f.map { _ in [Double](repeating: 0, count: f.count) }
    if options.loss == .softmax {
      let top = f.max()!
      let sum = f.reduce(0) { $0 + exp($1 - top) }
      let p = f.map { exp($0 - top) / sum }
      for k in f.indices {
        for l in f.indices { curvature[k][l] = p[k] * ((k == l ? 1 : 0) - p[l]) }
      }
      return (
        top + log(sum) - f[label], f.indices.map { p[$0] - ($0 == label ? 1 : 0) }, curvature
      )
    }
    var loss = 0.0
    var residual: [Double] = []
    for k in f.indices {
      let sign: Double = k == label ? 1 : -1
      let margin = sign * f[k]
      if options.loss == .logistic {
        let wrong = margin > 0 ? exp(-margin) / (1 + exp(-margin)) : 1 / (1 + exp(margin))
        loss += max(0, -margin) + log1p(exp(-abs(margin)))
        residual.append(-sign * wrong)
        curvature[k][k] = wrong * (1 - wrong)
      } else {
        let slack = max(0, 1 - margin)
        loss += slack * slack
        residual.append(-2 * sign * slack)
        curvature[k][k] = slack > 0 ? 2 : 0
      }
    }
    return (loss, residual, curvature)
  }

  /// `H⁻¹·g` by Gaussian elimination, scaled to a diagonal of 1; pivots at rounding count for nothing.
  private static func solve(_ hessian: [[Double]], _ gradient: [Double]) -> [Double] {
    let n = gradient.count
    let scales = (0..<n).map { hessian[$0][$0] > 0 ? 1 / hessian[$0][$0].squareRoot() : 0 }
    var a = (0..<n).map { i in (0..<n).map { scales[i] * hessian[i][$0] * scales[$0] } }
    var x = (0..<n).map { scales[$0] * gradient[$0] }
    var isUsed = [Bool](repeating: false, count: n)
    for k in 0..<n where a[k][k] > 1e-13 {
      isUsed[k] = true
      for i in (k + 1)..<n where a[i][k] != 0 {
        let factor = a[i][k] / a[k][k]
        for j in k..<n { a[i][j] -= factor * a[k][j] }
        x[i] -= factor * x[k]
      }
    }
    for k in (0..<n).reversed() {
      if !isUsed[k] {
        x[k] = 0
        continue
      }
      for j in (k + 1)..<n { x[k] -= a[k][j] * x[j] }
      x[k] /= a[k][k]
    }
    return zip(x, scales).map { $0 * $1 }
  }
}
