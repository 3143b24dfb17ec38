internal import Tensors

/// What training must know of a loss `ℓ(f)` of K logits: convex, with a continuous derivative.
///
/// A loss whose classes are problems of their own is a `SeparableLoss`, and gets most of this from its
/// value and conjugate at one margin. One that couples its classes, as `SoftmaxLoss`, must have
/// residuals `p − e_y` with p in the simplex, and the second derivative `diag(p) − p·pᵀ`: this is what
/// `BiasElimination` and Newton's method take it to have.
///
/// The residuals are `r = ∂ℓ/∂f`; a row's weight c multiplies its loss.
protocol LossFunction: Sendable {
  /// Its name, on the command line and in files.
  var name: String { get }

  /// One line for help: the loss of a row of class y, with `y_k = ±1`.
  var formula: String { get }

  /// Whether the classes are problems of their own (one-vs-rest).
  var isSeparable: Bool { get }

  /// The vector kernel that sums it; nil where there is none, and `derive` is called row by row.
  var kernel: TrainingKernels.LossKind? { get }

  /// Whether it is the squared hinge, as `FiniteNewton` solves it whole, up to rounding.
  var usesFiniteNewton: Bool { get }

  // MARK: At logits

  /// Replaces one row's logits by its residuals, times its weight.
  ///
  /// - Parameters:
  ///   - label: the row's class; another number where that is not among these classes.
  ///   - losses: gets the weighted loss of each class added (all in the first, if not separable).
  ///   - curvature: gets K numbers appended, which `multiplyByCurvature` takes: the weighted second
  ///     derivatives of a separable loss, else p.
  func derive(
    _ row: inout [Double], label: Int, weight: Double, losses: inout [Double],
    curvature: inout [Double])

  /// Replaces V, `N×K`, by the products of each row's second derivative with `v + constant`.
  ///
  /// - Parameters:
  ///   - curvature: `N×K`, of `derive`.
  ///   - weights: of the N rows.
  func multiplyByCurvature(
    _ vectors: inout [Double], plus constant: [Double], curvature: [Double], weights: [Double])

  // MARK: Bounds

  /// At least `Σ_i c_i·|r_i|` over all rows for one class, up to rounding: the scale of exact sums.
  ///
  /// - Parameters:
  ///   - loss: `Σ c·ℓ` of the class (softmax: of the row).
  ///   - residual: `Σ c·r`.
  ///   - ownMass: `Σ c` over the rows of the class.
  ///   - mass: `Σ c` over all rows.
  func massBound(loss: Double, residual: Double, ownMass: Double, mass: Double) -> Double

  // MARK: Where training starts

  /// The best free bias of a class at `W = 0`, or one near it.
  ///
  /// - Parameters:
  ///   - mass: `Σ c` over the rows of the class.
  ///   - total: `Σ c` over all rows.
  func startingBias(mass: Double, total: Double) -> Double

  /// The best bias of each class without weights, and the losses there, in shares of the rows'
  /// weights (softmax: all in the first); see `BiasOnlyModel`.
  ///
  /// - Parameters:
  ///   - shares: of the rows' weights, of each class.
  ///   - penalty: what multiplies `½‖b‖²`; 0 where the bias is free.
  func biasOnly(shares: [Double], penalty: Double) -> (bias: [Double], losses: [Double])

  /// The residuals of a class at `W = 0` and the best bias there, of its own rows and of the others.
  ///
  /// - Parameter share: the class's share of the rows' weights; nil where the bias is regularized,
  ///   and thus 0.
  func startingResiduals(share: Double?, classCount: Int) -> (own: Double, other: Double)

  // MARK: Dual

  /// What makes the residuals at an almost optimal bias dual feasible: `Σ_i c_i·r_i = 0`.
  func repair(_ sums: ResidualSums) -> any DualRepair
}

extension LossFunction {
  var kernel: TrainingKernels.LossKind? { nil }
  var usesFiniteNewton: Bool { false }

  /// `massBound` for residuals in −1…0 of a class's own rows and 0…1 of the others:
  /// `Σc|r| = Σcr + 2·Σ_{own rows} c|r|`.
  ///
  /// Where nearly all rows are sure of their class that is far too much, and sums in its units would be
  /// zero: `|r| ≤ 1 − e^−ℓ ≤ ℓ` bounds them by the loss.
  func massBoundOfUnitResiduals(loss: Double, residual: Double, ownMass: Double) -> Double {
    let bound = abs(residual) + 2 * ownMass + 1
    return loss < 0x1p-20 * bound ? loss * (1 + 0x1p-20) : bound
  }

  /// Weighted sums over rows, by the vector kernel or, without one, row by row; see
  /// `TrainingKernels.lossSums`.
  func sums(
    _ input: TrainingKernels.LossInput, terms: inout [Double], roots: inout [Float],
    _ kernels: TrainingKernels
  ) -> TrainingKernels.LossSums {
    if let kernel { return kernels.lossSums(kernel, input, terms: &terms, roots: &roots) }
    return sumsByRow(input, terms: &terms, roots: &roots)
  }

  /// The same by `derive`.
  func sumsByRow(
    _ input: TrainingKernels.LossInput, terms: inout [Double], roots: inout [Float]
  ) -> TrainingKernels.LossSums {
    let count = input.count
    var sums = TrainingKernels.LossSums(count: count)
    var row = [Double](repeating: 0, count: count)
    var curvature: [Double] = []
    for i in 0..<input.rowCount {
      let (label, weight) = (Int(input.labels[i]), input.weights[i])
      for k in 0..<count { row[k] = input.logit(row: i, k) }
      curvature.removeAll(keepingCapacity: true)
      derive(
        &row, label: label, weight: weight, losses: &sums.losses, curvature: &curvature)
      for k in 0..<count {
        sums.residuals[k] += row[k]
        if !input.direction.isEmpty {
          sums.slopes[k] += row[k] * input.direction[i * input.directionStride + k]
        }
        if isSeparable { sums.curvatures[k] += curvature[k] }
        if !terms.isEmpty { terms[i * count + k] = row[k] }
        if !roots.isEmpty { roots[i * count + k] = Float(weight.squareRoot() * curvature[k]) }
      }
      if isSeparable && 0..<count ~= label { sums.masses[label] += abs(row[label]) }
    }
    return sums
  }
}
