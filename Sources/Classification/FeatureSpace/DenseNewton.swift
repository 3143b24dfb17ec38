internal import Tensors

/// Newton's method in all weights and biases at once, in double precision, for few rows and features.
///
/// The last resort where features of very different sizes, or a steep C, leave L-BFGS at a gradient that
/// proves nothing: the gap is half its square, and steps along inexact directions get it only so small.
/// Every rank reads all rows and computes the same.
struct DenseNewton {
  private let loss: Loss
  var C: Double
  private let regularizesBias: Bool
  private let classCount: Int
  let width: Int
  /// N×(D + 1), scaled and centred, each row with a feature 1 behind it.
  private(set) var features: [Double] = []
  private(set) var labels: [Int32] = []
  private(set) var weights: [Double] = []
  /// What was subtracted from each row: with a free bias their mean, which would hide what differs.
  private var centre: [Double]

  private static let mostSteps = 200

  /// Whether a problem is small enough to take seconds: a step takes some `N·n² + n³` multiplications, n
  /// the unknowns that belong together.
  static func fits(_ rows: LocalRows, _ loss: Loss) -> Bool {
    let unknowns = (rows.width + 1) * (loss.isSeparable ? 1 : rows.classCount)
    let groups = loss.isSeparable ? rows.classCount : 1
    return rows.rowCount <= 2048 && unknowns <= 512
      && groups * unknowns * unknowns * (rows.rowCount + unknowns) < 300_000_000
  }

  init(_ rows: LocalRows, _ options: TrainingOptions) throws {
    (loss, C, regularizesBias) = (options.loss, options.C, options.regularizesBias)
    (classCount, width) = (rows.classCount, rows.width)
    centre = [Double](repeating: 0, count: rows.width)
    let workspace = Workspace()
    for block in GramMatrix.allBlocks(of: rows) {
      try block.withFeatures(of: rows.source, workspace) { span in
        for i in 0..<block.count {
          let row = span.extracting(i * width..<(i + 1) * width)
          let scale =
            rows.normalization == .none
            ? 1 : rows.normalization.scale(squaredNorm: VectorOperations.squaredNorm(row))
          for j in 0..<width { features.append(Double(row[j]) * scale) }
          features.append(1)
        }
      }
      labels += block.labels
      weights += block.weights
    }
    if !regularizesBias { subtractMean() }
  }

  private mutating func subtractMean() {
    let stride = width + 1
    for row in labels.indices {
      for j in 0..<width { centre[j] += features[row * stride + j] }
    }
    for j in 0..<width { centre[j] /= Double(labels.count) }
    for row in labels.indices {
      for j in 0..<width { features[row * stride + j] -= centre[j] }
    }
  }

  /// `w·m`, m the rows' centre: what the bias of centred rows is larger by.
  private func offset(_ w: ArraySlice<Double>) -> Double {
    zip(w, centre).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Improves weights, K×D, and biases until the gradient gets no smaller.
  ///
  /// - Returns: the steps taken.
  func improve(_ point: inout LBFGSSolver.Point) -> Int {
    let groups = loss.isSeparable ? (0..<classCount).map { [$0] } : [Array(0..<classCount)]
    return groups.reduce(0) { max($0, improve(&point, classes: $1)) }
  }

  /// Value, gradient and second derivatives at a point, of some classes: (D + 1) unknowns each.
  private struct Expansion {
    var value = 0.0
    var gradient: [Double]
    var hessian: [Double]
    var squaredGradient: Double { gradient.reduce(0) { $0 + $1 * $1 } }
  }

  private func improve(_ point: inout LBFGSSolver.Point, classes: [Int]) -> Int {
    var unknowns = classes.flatMap { k in
      let w = point.weights[k * width..<(k + 1) * width]
      return w + [point.bias[k] + offset(w)]
    }
    var here = expansion(unknowns, classes)
    var steps = 0
    while steps < Self.mostSteps, let step = Self.step(here) {
      steps += 1
      var t = 1.0
      var isBetter = false
      while t > 1e-6 && !isBetter {
        let next = zip(unknowns, step).map { $0 - t * $1 }
        let there = expansion(next, classes)
        // Near the minimum the gradient tells what the value no longer does.
        isBetter =
          there.value < here.value * (1 - 1e-13)
          || there.value <= here.value * (1 + 1e-13)
            && there.squaredGradient < 0.9 * here.squaredGradient
        if isBetter { (unknowns, here) = (next, there) }
        t /= 2
      }
      if !isBetter { break }
    }
    for (entry, k) in classes.enumerated() {
      let base = entry * (width + 1)
      point.weights.replaceSubrange(
        k * width..<(k + 1) * width, with: unknowns[base..<base + width])
      point.bias[k] = unknowns[base + width] - offset(unknowns[base..<base + width])
    }
    return steps
  }

  private func expansion(_ unknowns: [Double], _ classes: [Int]) -> Expansion {
    let (n, stride, count) = (unknowns.count, width + 1, classes.count)
    var result = Expansion(
      gradient: unknowns, hessian: [Double](repeating: 0, count: n * n))
    for i in 0..<n {
      let isFree = i % stride == width && !regularizesBias
      if isFree { result.gradient[i] = 0 } else { result.hessian[i * n + i] = 1 }
      result.value += result.gradient[i] * result.gradient[i] / 2
    }
    var losses = [Double](repeating: 0, count: count)
    for row in labels.indices {
      let x = features[row * stride..<(row + 1) * stride]
      var logits = (0..<count).map { a in
        zip(unknowns[a * stride..<(a + 1) * stride], x).reduce(0) { $0 + $1.0 * $1.1 }
      }
      let label = loss.isSeparable ? (Int(labels[row]) == classes[0] ? 0 : -1) : Int(labels[row])
      var curvature: [Double] = []
      loss.function.derive(
        &logits, label: label, weight: weights[row], losses: &losses, curvature: &curvature)
      for a in 0..<count {
        for b in 0...a {
          let weight =
            loss.isSeparable
            ? curvature[a] : weights[row] * curvature[a] * ((a == b ? 1 : 0) - curvature[b])
          if weight != 0 { add(x, times: C * weight, a, b, to: &result.hessian, n) }
        }
        for (j, value) in x.enumerated() {
          result.gradient[a * stride + j] += C * logits[a] * value
        }
      }
    }
    result.value += C * losses.reduce(0, +)
    return result
  }

  /// Adds `factor·x·xᵀ` to the block of two classes, as far as it is in the lower triangle.
  private func add(
    _ x: ArraySlice<Double>, times factor: Double, _ a: Int, _ b: Int, to hessian: inout [Double],
    _ n: Int
  ) {
    let stride = width + 1
    for i in 0..<stride {
      let (row, value) = ((a * stride + i) * n + b * stride, factor * x[x.startIndex + i])
      for j in 0..<(a == b ? i + 1 : stride) { hessian[row + j] += value * x[x.startIndex + j] }
    }
  }

  /// `H⁻¹·g`, H scaled to a diagonal of 1 first: sizes of features do not matter then.
  private static func step(_ here: Expansion) -> [Double]? {
    let n = here.gradient.count
    if !here.value.isFinite { return nil }
    let scales = (0..<n).map { i in
      here.hessian[i * n + i] > 0 ? 1 / here.hessian[i * n + i].squareRoot() : 0
    }
    var ridge = 1e-15
    while ridge < 1e-3 {
      var matrix = here.hessian
      for i in 0..<n {
        for j in 0...i { matrix[i * n + j] *= scales[i] * scales[j] }
        matrix[i * n + i] += scales[i] > 0 ? ridge : 1
      }
      if let factor = PositiveDefiniteFactor(rowByRow: matrix, size: n) {
        let solved = factor.solve((0..<n).map { scales[$0] * here.gradient[$0] })
        return zip(solved, scales).map { $0 * $1 }
      }
      ridge *= 100
    }
    return nil
  }
}
