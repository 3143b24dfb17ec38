internal import Communication
internal import Tensors

/// Minimizes a smooth objective over coefficients of the rows by Newton's method, each step solved
/// by conjugate gradients.
///
/// With `W = Xᵀ·A`, `G = X·Xᵀ` and R the residuals, the gradient in W is `Xᵀ·(A + C·R)`: vectors
/// stand for combinations of the rows, with the inner product `uᵀ·G·v`, in which conjugate gradients
/// take one product with G an iteration. Weights and bias move together; the bias's part of a step
/// follows from the rest (a Schur complement), so that the inner problem is one in A alone. The
/// classes of a separable loss are problems of their own in shared products.
///
/// All ranks compute the same bytes; products with G are shared out in fixed blocks of its rows.
struct RowSpaceNewton {
  let gram: GramMatrix
  let loss: Loss
  let regularizesBias: Bool
  let context: TrainingContext

  /// A point, and what follows from it.
  struct Point {
    /// `N×K`.
    var coefficients: [Double]
    var bias: [Double]
    /// `G·A`, `N×K`.
    var products: [Double]
  }

  /// Losses and derivatives at logits.
  struct Local {
    /// Of each class (softmax: all in the first).
    var loss: [Double]
    /// `∂loss/∂f` times the rows' weights, `N×K`.
    var residuals: [Double]
    /// `∂²loss/∂f²` of a separable loss times the rows' weights, probabilities of softmax; `N×K`.
    var curvature: [Double]
  }

  var size: Int { gram.rowCount }
  var count: Int { gram.classCount }

  /// Runs until no group's estimated gap exceeds `target` of its objective, nor of all that weights
  /// can gain, `P(0) − D`.
  ///
  /// - Parameters:
  ///   - step: the steps that led to the point, when it was reached by this method.
  ///   - pause: gets the point and the steps so far, between steps; to call this method with both
  ///     again goes on from there.
  ///   - report: gets the objective and the gap after each step.
  /// - Returns: the steps taken, those before included.
  /// - Throws: `ClassificationError.saturated`.
  func minimize(
    _ point: inout Point, C: Double, target: Double, maximumSteps: Int, from step: Int = 0,
    pause: (_ point: Point, _ step: Int) throws -> Void,
    report: (_ objective: Double, _ ratio: Double) -> Void
  ) throws -> Int {
    let biasOnly = BiasOnlyModel(
      loss: loss, classMasses: gram.classMasses, C: C, regularizesBias: regularizesBias)
    var local = evaluate(point.products, point.bias)
    var step = step
    while true {
      if !local.loss.allSatisfy(\.isFinite) { throw ClassificationError.saturated("losses") }
      try pause(point, step)
      let model = try makeModel(at: point, local, C: C, biasOnly)
      report(
        total(model.values), total(model.gaps) / max(total(model.scales), .leastNormalMagnitude))
      let isActive = (0..<count).map {
        model.gaps[$0] > target * model.scales[$0]
          && (model.gaps[$0] > target * model.values[$0] || model.scales[$0] > model.floors[$0])
      }
      if !isActive.contains(true) || step == maximumSteps { return step }
      let direction = try direction(model, local, C: C, isActive: isActive)
      guard
        let next = search(
          &point, local, direction, C: C, values: model.values, isActive: isActive)
      else { return step }
      local = next
      step += 1
    }
  }

  /// The objective to second order around a point.
  private struct Model {
    let curvature: BiasCurvature
    /// The Newton step of the bias alone.
    let shift: [Double]
    /// `−(A + C·R)` at the shifted bias, the negative gradient in the row space, and `G` times it.
    let residual: [Double]
    let residualProducts: [Double]
    /// Of each class (softmax: the sum in all): the gradient's squared norm, the estimated gap, and the
    /// objective.
    let energy: [Double]
    let gaps: [Double]
    let values: [Double]
    /// What gaps are measured by, and what rounding may leave of them; see `LBFGSSolver.Estimate`.
    let scales: [Double]
    let floors: [Double]
  }

  private func makeModel(
    at point: Point, _ local: Local, C: Double, _ biasOnly: BiasOnlyModel
  ) throws -> Model {
    let curvature = biasCurvature(local)
    let sums = columnSums(local.residuals)
    let shift = regularizesBias ? sums.map { _ in 0 } : curvature.solve(sums).map { -$0 }
    // The residuals at the best bias, to first order: R + ∂R/∂b·shift. Their sums are zero, so they are
    // dual feasible, and the gap is half the squared gradient they give, as in `LBFGSSolver`.
    let moved = zip(local.residuals, curved(local, constant: shift)).map { $0 + $1 }
    let movedProducts = try multiply(moved)
    let residual = zip(point.coefficients, moved).map { -$0 - C * $1 }
    let residualProducts = zip(point.products, movedProducts).map { -$0 - C * $1 }
    let energy = dot(residual, residualProducts)
    // What the shift itself gains: half of −C·sᵀ·shift, the decrement of Newton's method in b.
    let biasGaps = merged(zip(sums, shift).map { -C * $0 * $1 })
    let gaps = zip(energy, biasGaps).map { ($0 + $1) / 2 }
    let norms = dot(point.coefficients, point.products)
    let losses = merged(local.loss)
    let values = zip(norms, losses).map { $0 / 2 + C * $1 }
    return Model(
      curvature: curvature, shift: shift, residual: residual, residualProducts: residualProducts,
      energy: energy, gaps: gaps, values: values,
      scales: scales(
        gaps, values, squaredDual: dot(moved, movedProducts).map { C * C * $0 },
        dualBias: columnSums(moved).map { -C * $0 }, biasOnly),
      floors: floors(local, sums, norms, C: C))
  }

  /// `min(P, P(0) − D)` of each class.
  ///
  /// - Parameters:
  ///   - squaredDual: `‖V‖²`, V the weights that the residuals give; with its bias, where that is
  ///     regularized.
  ///   - dualBias: that bias.
  private func scales(
    _ gaps: [Double], _ values: [Double], squaredDual: [Double], dualBias: [Double],
    _ biasOnly: BiasOnlyModel
  ) -> [Double] {
    let starts = merged(biasOnly.values)
    // ‖V − (0, b)‖² = ‖V‖² − 2b·V_b + b².
    let shifts = merged(
      zip(biasOnly.bias, dualBias).map { b, v in
        regularizesBias ? b * b - 2 * b * v : 0
      })
    return (0..<count).map { k in
      let least = max(0, squaredDual[k] + shifts[k]) / 2
      let difference = starts[k] - values[k] + gaps[k]
      // Terms that are not negative are missing in one, digits in the other.
      let gain = difference > 1e-9 * starts[k] ? max(difference, least) : least
      return min(values[k], gain)
    }
  }

  /// See `LocalRows.gapFloor`; the longest row stands for the features' bounds.
  private func floors(
    _ local: Local, _ sums: [Double], _ norms: [Double], C: Double
  ) -> [Double] {
    let masses = gram.classMasses
    let mass = masses.reduce(0, +)
    let longest = (0..<size).reduce(0) { max($0, gram.products[$1, $1]) }
    let terms = merged(
      (0..<count).map { k in
        let bound = loss.function.massBound(
          loss: local.loss[k], residual: sums[k], ownMass: masses[k], mass: mass)
        return C * bound * (C * bound) * longest
      })
    return zip(terms, norms).map { 0x1p-80 / 2 * ($0 + $1) }
  }

  /// Coefficients to add, their products, and what to add to the bias.
  private struct Direction {
    var coefficients: [Double]
    var products: [Double]
    var bias: [Double]
  }

  /// Conjugate gradients an inner problem gets at most; what they have found then is a direction, too.
  private static let mostInnerSteps = 200

  /// The step to the model's minimum, roughly: conjugate gradients (Nocedal and Wright, *Numerical
  /// Optimization*, 2006, algorithm 7.1) in the inner product `uᵀ·G·v`, for all classes at once.
  ///
  /// The Hessian there is `v ↦ v + C·D·(G·v + 1·followᵀ)`, D the loss's second derivative: the bias
  /// follows every direction to its own minimum (a Schur complement), which takes the large common mean
  /// of the features out of the problem. It is self-adjoint and at least 1 in this inner product, and
  /// its eigenvalues cluster there.
  private func direction(
    _ model: Model, _ local: Local, C: Double, isActive: [Bool]
  ) throws -> Direction {
    var (residual, residualProducts) = (model.residual, model.residualProducts)
    var energy = model.energy
    // Each group until its residual has shrunk enough: by min(0.3, (‖g‖/√(2P))^½) in norm. Exact steps
    // are wasted far from the optimum; near it the forcing term goes to zero with the gradient, so that
    // steps converge faster than linearly (Nocedal and Wright, theorem 7.2). √(2P) gives ‖g‖ a scale.
    let goals = zip(energy, model.values).map { energy, value -> Double in
      let ratio = min(
        0.3, (max(energy, 0) / max(2 * value, .leastNormalMagnitude)).squareRoot().squareRoot())
      return energy * ratio * ratio
    }
    var (d, dProducts) = (zeros, zeros)
    var (p, pProducts) = (residual, residualProducts)
    for _ in 0..<Self.mostInnerSteps {
      let isOpen = (0..<count).map { isActive[$0] && energy[$0] > goals[$0] && energy[$0] > 0 }
      if !isOpen.contains(true) { break }
      let follow = following(local, model.curvature, pProducts)
      let change = curved(local, pProducts, constant: follow)
      let image = zip(p, change).map { $0 + C * $1 }
      let bend = dot(image, pProducts)
      // 0 stops a class for good: it adds nothing any more, and its energy is set to 0 below.
      let alpha = (0..<count).map { isOpen[$0] && bend[$0] > 0 ? energy[$0] / bend[$0] : 0 }
      add(p, times: alpha, to: &d)
      add(pProducts, times: alpha, to: &dProducts)
      add(image, times: alpha.map { -$0 }, to: &residual)
      // Made anew rather than updated: the one product with G that an iteration takes.
      residualProducts = try multiply(residual)
      let next = dot(residual, residualProducts)
      let beta = (0..<count).map { alpha[$0] > 0 ? next[$0] / energy[$0] : 0 }
      for k in 0..<count { energy[k] = alpha[k] > 0 ? next[k] : 0 }
      scale(&p, by: beta)
      add(residual, times: ones, to: &p)
      scale(&pProducts, by: beta)
      add(residualProducts, times: ones, to: &pProducts)
    }
    let follow = following(local, model.curvature, dProducts)
    return Direction(
      coefficients: d, products: dProducts, bias: zip(model.shift, follow).map { $0 + $1 })
  }

  /// Moves the point along a direction, each group by as much as lowers its objective enough.
  ///
  /// - Returns: the losses there; nil when no group could move.
  private func search(
    _ point: inout Point, _ local: Local, _ direction: Direction, C: Double, values: [Double],
    isActive: [Bool]
  ) -> Local? {
    let (d, dProducts, biasStep) = (direction.coefficients, direction.products, direction.bias)
    let norms = dot(point.coefficients, point.products)
    let crossed = dot(point.coefficients, dProducts)
    let lengths = dot(d, dProducts)
    var slopes = dot(local.residuals, dProducts)
    let sums = columnSums(local.residuals)
    let biasSlopes = merged((0..<count).map { sums[$0] * biasStep[$0] })
    for k in 0..<count { slopes[k] = crossed[k] + C * (slopes[k] + biasSlopes[k]) }
    var steps = (0..<count).map { isActive[$0] && slopes[$0] < 0 ? 1.0 : 0 }
    while true {
      var products = point.products
      add(dProducts, times: steps, to: &products)
      let bias = (0..<count).map { point.bias[$0] + steps[$0] * biasStep[$0] }
      let next = evaluate(products, bias)
      let losses = merged(next.loss)
      var isDone = true
      for k in 0..<count where steps[k] > 0 {
        let t = steps[k]
        let value = (norms[k] + 2 * t * crossed[k] + t * t * lengths[k]) / 2 + C * losses[k]
        // Sufficient decrease (Nocedal and Wright, equation 3.4), but for rounding. A Newton step that
        // has to be halved 27 times is no direction at all.
        if value <= values[k] * (1 + 1e-15) + 1e-4 * t * slopes[k] { continue }
        steps[k] = t > 1e-8 ? t / 2 : 0
        isDone = false
      }
      if isDone {
        if !steps.contains(where: { $0 > 0 }) { return nil }
        add(d, times: steps, to: &point.coefficients)
        (point.products, point.bias) = (products, bias)
        return next
      }
    }
  }

  /// `G·V` for V `N×K`. Collective.
  func multiply(_ vectors: [Double]) throws -> [Double] {
    let blocks = RowPartition.blocks(rowCount: size)
    let communicator = context.communicator
    let own = blocks.indices.filter { $0 % communicator.size == communicator.rank }
    let (matrix, count, size, kernels) = (gram.products, count, size, context.kernels)
    let packed = PackedMatrix<Double>()
    kernels.pack(
      vectors.span, .init(leadingDimension: count), depth: size, columns: count, into: packed)
    let parts = context.team.map(own.count) { index, _ in
      let rows = blocks[own[index]]
      var part = [Double](repeating: 0, count: rows.count * count)
      kernels.multiply(
        rows: rows.count, matrix.elements.span,
        .init(leadingDimension: size, offset: rows.lowerBound * size), packed, into: &part,
        .init(leadingDimension: count))
      return part
    }
    var result = zeros
    for (block, part) in zip(own, parts) {
      let rows = blocks[block]
      result.replaceSubrange(rows.lowerBound * count..<rows.upperBound * count, with: part)
    }
    try communicator.share(&result)
    return result
  }
}
