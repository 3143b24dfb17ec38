internal import Tensors

/// Weighted sums over all rows at one point of a line, for some of the classes.
struct LossEvaluation {
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
    /// What `Σ c·p_k·p_l` of two classes is at most; nil for the rows' weights.
    var crossProductBound: Double?
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
  /// `Σ c·p_k·p_l`, K×K, if asked for; zeros on the diagonal.
  var crossProducts: [[Double]] = []

  static let fieldCount = 5

  init(values: [Double], classCount: Int) {
    func field(_ i: Int) -> [Double] { Array(values[i * classCount..<(i + 1) * classCount]) }
    (loss, residual, slope) = (field(0), field(1), field(2))
    (curvature, positiveMass) = (field(3), field(4))
  }
}

extension Loss {
  /// One block's terms of an evaluation: the fields of `LossEvaluation`, one after the other.
  func evaluate(
    _ block: RowBlock, _ request: LossEvaluation.Request, classCount: Int, _ workspace: Workspace,
    _ kernels: TrainingKernels
  ) -> [Double] {
    let count = request.classes.count
    let input = input(block, request, classCount: classCount, workspace)
    var nothing: [Double] = []
    var roots: [Float] = []
    if request.needsCurvatureMatrix {
      workspace.roots.reserve(block.count * count)
      swap(&roots, &workspace.roots)
    }
    let sums = function.sums(input, terms: &nothing, roots: &roots, kernels)
    if request.needsCurvatureMatrix {
      swap(&roots, &workspace.roots)
      addCrossProducts(block, count: count, workspace, kernels)
    }
    return sums.losses + sums.residuals + sums.slopes + sums.curvatures + sums.masses
  }

  /// Adds `Σ c·p·pᵀ` of a block, of the workspace's `√c·p`, to the workspace's sum.
  ///
  /// Without its diagonal, which nobody reads: all else may be far smaller.
  ///
  /// In single precision: Newton's method in the bias forgives an inexact Hessian, and its diagonal,
  /// where that would cancel, is made of the others.
  private func addCrossProducts(
    _ block: RowBlock, count: Int, _ workspace: Workspace, _ kernels: TrainingKernels
  ) {
    let (size, room) = (block.count * count, workspace.single)
    room.transposed.reserve(size)
    room.product.reserve(count * count)
    VectorOperations.transpose(
      workspace.roots, rows: block.count, columns: count, into: &room.transposed)
    kernels.pack(
      workspace.roots.span, .init(leadingDimension: count), depth: block.count,
      columns: count, into: room.packed)
    kernels.multiply(
      rows: count, room.transposed.span, .init(leadingDimension: block.count),
      room.packed, into: &room.product, .init(leadingDimension: count))
    for k in 0..<count { room.product[k * count + k] = 0 }
    workspace.curvature!.add(room.product, rows: count, columns: 0..<count)
  }

  /// One block's residuals `∂loss/∂f`, times the rows' weights and scales: what multiplies the raw
  /// features. They are left in the workspace, `kept×classes`, row-major.
  func residuals(
    of block: RowBlock, classes: [Int], bias: [Double], classCount: Int, _ workspace: Workspace,
    _ kernels: TrainingKernels
  ) {
    let count = classes.count
    let request = LossEvaluation.Request(
      classes: classes, columns: [], directionCount: 0, steps: [], bias: bias)
    var input = input(block, request, classCount: classCount, workspace)
    if block.scales.contains(where: { $0 != 1 }) {
      input.weights = zip(block.weights, block.scales).map { $0 * $1 }
    }
    var roots: [Float] = []
    workspace.residuals.reserve(block.count * count)
    _ = function.sums(input, terms: &workspace.residuals, roots: &roots, kernels)
  }

  /// A block's logits as kernels take them; those of some classes are gathered first.
  private func input(
    _ block: RowBlock, _ request: LossEvaluation.Request, classCount: Int, _ workspace: Workspace
  ) -> TrainingKernels.LossInput {
    let (rows, count) = (block.count, request.classes.count)
    let isWhole = request.classes.elementsEqual(0..<classCount)
    var labels = block.labels
    if !isWhole {
      var position = [Int32](repeating: -1, count: classCount)
      for (c, k) in request.classes.enumerated() { position[k] = Int32(c) }
      labels = labels.map { position[Int($0)] }
    }
    var input = TrainingKernels.LossInput(
      rowCount: rows, count: count, logits: [], stride: count, biases: request.bias,
      labels: labels, weights: block.weights)
    if isWhole {
      input.logits = block.logits
    } else {
      input.logits = VectorOperations.gathered(
        block.logits, rows: rows, stride: classCount, columns: request.classes)
    }
    if request.directionCount > 0 {
      input.steps = request.steps
      input.directionStride = count
      if request.columns.elementsEqual(0..<request.directionCount) {
        input.direction = block.directionLogits
      } else {
        input.direction = VectorOperations.gathered(
          block.directionLogits, rows: rows, stride: request.directionCount,
          columns: request.columns)
      }
    }
    return input
  }
}
