internal import Tensors

/// Weighted sums over all rows at one point of a line, for some of the classes.
struct Sweep {
  /// What to sum, and where.
  struct Request: Sendable {
    /// The classes to look at; all of them for softmax.
    var classes: [Int]
    /// Where each of `classes` stands among the classes of the direction.
    var columns: [Int]
    /// Classes of the direction; 0 without one.
    var directionCount: Int
    /// How far along the direction, for each of `classes`.
    var steps: [Double]
    /// The bias of each of `classes`.
    var bias: [Double]
    /// Whether to sum `P·Pᵀ` over the rows too (softmax only).
    var needsCurvatureMatrix = false
  }

  /// For each class: losses (softmax: all in the first).
  var loss: [Double]
  /// For each class: `Σ r`.
  var residual: [Double]
  /// For each class: `Σ r·q`, q the logit of the direction.
  var slope: [Double]
  /// For each class: `Σ ∂²loss/∂f²` of a separable loss.
  var curvature: [Double]
  /// For each class: `Σ |r|` over its own rows.
  var positiveMass: [Double]
  /// `Σ p_k·p_l`, K×K, if asked for.
  var crossProducts: [[Double]] = []

  static let fieldCount = 5

  init(values: [Double], classCount: Int) {
    func field(_ i: Int) -> [Double] { Array(values[i * classCount..<(i + 1) * classCount]) }
    (loss, residual, slope) = (field(0), field(1), field(2))
    (curvature, positiveMass) = (field(3), field(4))
  }
}

extension Loss {
  /// One block's terms of a sweep: the fields of `Sweep`, one after the other.
  func sweep(
    _ block: RowBlock, _ request: Sweep.Request, classCount: Int, _ workspace: Workspace
  ) -> [Double] {
    let count = request.classes.count
    var sums = [Double](repeating: 0, count: Sweep.fieldCount * count)
    var logits = [Double](repeating: 0, count: count)
    var slopes = [Double](repeating: 0, count: count)
    if request.needsCurvatureMatrix {
      Workspace.reserve(block.count * count, in: &workspace.residuals)
    }
    for i in 0..<block.count {
      let label = Int(block.labels[i])
      let weight = block.weights[i]
      if request.directionCount == 0 {
        for c in 0..<count {
          logits[c] = block.logits[i * classCount + request.classes[c]] + request.bias[c]
        }
      } else {
        for c in 0..<count {
          slopes[c] = block.directionLogits[i * request.directionCount + request.columns[c]]
          logits[c] =
            block.logits[i * classCount + request.classes[c]] + request.steps[c] * slopes[c]
            + request.bias[c]
        }
      }
      if isSeparable {
        for c in 0..<count {
          let isPositive = request.classes[c] == label
          let term = term(logit: logits[c], isPositive: isPositive)
          sums[c] += weight * term.loss
          let residual = weight * term.residual
          sums[count + c] += residual
          sums[2 * count + c] += residual * slopes[c]
          sums[3 * count + c] += weight * term.curvature
          if isPositive { sums[4 * count + c] += abs(residual) }
        }
      } else {
        sums[0] += weight * Self.softmax(&logits, label: label)
        for c in 0..<count {
          let residual = weight * (logits[c] - (c == label ? 1 : 0))
          sums[count + c] += residual
          sums[2 * count + c] += residual * slopes[c]
        }
        if request.needsCurvatureMatrix {
          let root = weight.squareRoot()
          for c in 0..<count { workspace.residuals[i * count + c] = Float(root * logits[c]) }
        }
      }
    }
    if request.needsCurvatureMatrix {
      Workspace.reserve(count * count, in: &workspace.product)
      BLAS.gemm(
        m: count, n: count, k: block.count, workspace.residuals.span,
        .init(leadingDimension: count, isTransposed: true), workspace.residuals.span,
        .init(leadingDimension: count), into: &workspace.product,
        .init(leadingDimension: count))
      workspace.curvature!.add(workspace.product, rows: count, columns: 0..<count)
    }
    return sums
  }

  /// One block's residuals `∂loss/∂f`, times the rows' weights and scales: what multiplies the raw
  /// features.
  ///
  /// - Parameter target: room for `kept×classes`, row-major.
  func residuals(
    of block: RowBlock, classes: [Int], bias: [Double], classCount: Int, into target: inout [Double]
  ) {
    let count = classes.count
    var logits = [Double](repeating: 0, count: count)
    for i in 0..<block.count {
      let label = Int(block.labels[i])
      let scale = block.weights[i] * block.scales[i]
      for c in 0..<count { logits[c] = block.logits[i * classCount + classes[c]] + bias[c] }
      if isSeparable {
        for c in 0..<count {
          let residual = term(logit: logits[c], isPositive: classes[c] == label).residual
          target[i * count + c] = residual * scale
        }
      } else {
        _ = Self.softmax(&logits, label: label)
        for c in 0..<count {
          target[i * count + c] = (logits[c] - (c == label ? 1 : 0)) * scale
        }
      }
    }
  }
}
