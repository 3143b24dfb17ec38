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
  let kernels: DenseKernels
  let communicator: any Communicator
  let team: ThreadTeam

  /// A point, and what follows from it.
  struct Point {
    /// `N×K`.
    var coefficients: [Double]
    var bias: [Double]
    /// `G·A`, `N×K`.
    var products: [Double]
  }

  /// Losses and derivatives at logits.
  private struct Local {
    /// Of each class (softmax: all in the first).
    var loss: [Double]
    /// `∂loss/∂f` times the rows' weights, `N×K`.
    var residuals: [Double]
    /// `∂²loss/∂f²` of a separable loss times the rows' weights, probabilities of softmax; `N×K`.
    var curvature: [Double]
  }

  private var size: Int { gram.rowCount }
  private var count: Int { gram.classCount }

  /// What is left to gain at a point, of each class (softmax: in the first).
  struct Progress {
    var gaps: [Double]
    var values: [Double]
  }

  /// Runs until no group's estimated gap exceeds `target` of its objective.
  ///
  /// - Parameter report: gets the objective and the gap after each step.
  /// - Returns: the steps taken.
  func minimize(
    _ point: inout Point, C: Double, target: Double, maximumSteps: Int,
    report: (_ objective: Double, _ gap: Double) -> Void
  ) throws -> Int {
    var local = evaluate(point.products, point.bias)
    var step = 0
    while true {
      let curvature = biasCurvature(local)
      let sums = columnSums(local.residuals)
      let shift = regularizesBias ? sums.map { _ in 0 } : curvature.solve(sums).map { -$0 }
      // The residuals at the best bias, to first order.
      let moved = zip(local.residuals, curved(local, constant: shift)).map { $0 + $1 }
      let movedProducts = try multiply(moved)
      var residual = zip(point.coefficients, moved).map { -$0 - C * $1 }
      var residualProducts = zip(point.products, movedProducts).map { -$0 - C * $1 }
      var energy = dot(residual, residualProducts)
      let biasGaps = merged(zip(sums, shift).map { -C * $0 * $1 })
      let gaps = zip(energy, biasGaps).map { ($0 + $1) / 2 }
      let norms = dot(point.coefficients, point.products)
      let losses = merged(local.loss)
      let values = zip(norms, losses).map { $0 / 2 + C * $1 }
      report(total(values), total(gaps))
      let isActive = zip(gaps, values).map { $0 > target * $1 }
      if !isActive.contains(true) || step == maximumSteps { return step }

      // The inner problem, each group until its residual has shrunk enough.
      let goals = zip(energy, values).map { energy, value -> Double in
        let ratio = min(
          0.3, (max(energy, 0) / max(2 * value, .leastNormalMagnitude)).squareRoot().squareRoot())
        return energy * ratio * ratio
      }
      var (d, dProducts) = (zeros, zeros)
      var (p, pProducts) = (residual, residualProducts)
      for _ in 0..<200 {
        let isOpen = (0..<count).map { isActive[$0] && energy[$0] > goals[$0] && energy[$0] > 0 }
        if !isOpen.contains(true) { break }
        let follow = following(local, curvature, pProducts)
        let change = curved(local, pProducts, constant: follow)
        let image = zip(p, change).map { $0 + C * $1 }
        let bend = dot(image, pProducts)
        let alpha = (0..<count).map { isOpen[$0] && bend[$0] > 0 ? energy[$0] / bend[$0] : 0 }
        add(p, times: alpha, to: &d)
        add(pProducts, times: alpha, to: &dProducts)
        add(image, times: alpha.map { -$0 }, to: &residual)
        residualProducts = try multiply(residual)
        let next = dot(residual, residualProducts)
        let beta = (0..<count).map { alpha[$0] > 0 ? next[$0] / energy[$0] : 0 }
        for k in 0..<count { energy[k] = alpha[k] > 0 ? next[k] : 0 }
        scale(&p, by: beta)
        add(residual, times: ones, to: &p)
        scale(&pProducts, by: beta)
        add(residualProducts, times: ones, to: &pProducts)
      }
      let follow = following(local, curvature, dProducts)
      let biasStep = zip(shift, follow).map { $0 + $1 }
      guard
        let next = search(
          &point, local, d, dProducts, biasStep, C: C, values: values, isActive: isActive)
      else { return step }
      local = next
      step += 1
    }
  }

  /// Moves the point along a direction, each group by as much as lowers its objective enough.
  ///
  /// - Returns: the losses there; nil when no group could move.
  private func search(
    _ point: inout Point, _ local: Local, _ d: [Double], _ dProducts: [Double],
    _ biasStep: [Double], C: Double, values: [Double], isActive: [Bool]
  ) -> Local? {
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
    let own = blocks.indices.filter { $0 % communicator.size == communicator.rank }
    let (matrix, count, size, kernels) = (gram.products, count, size, kernels)
    let packed = PackedMatrix<Double>()
    kernels.pack(
      vectors.span, .init(leadingDimension: count), depth: size, columns: count, into: packed)
    let parts = team.map(own.count) { index, _ in
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

  // MARK: The loss

  private func evaluate(_ products: [Double], _ bias: [Double]) -> Local {
    let blocks = RowPartition.blocks(rowCount: size)
    let (labels, weights, loss, count) = (gram.labels, gram.weights, loss, count)
    let parts = team.map(blocks.count) { index, _ -> Local in
      var local = Local(
        loss: [Double](repeating: 0, count: count), residuals: [], curvature: [])
      var logits = [Double](repeating: 0, count: count)
      for i in blocks[index] {
        let (label, weight) = (Int(labels[i]), weights[i])
        for k in 0..<count { logits[k] = products[i * count + k] + bias[k] }
        if loss.isSeparable {
          for k in 0..<count {
            let term = loss.term(logit: logits[k], isPositive: k == label)
            local.loss[k] += weight * term.loss
            local.residuals.append(weight * term.residual)
            local.curvature.append(weight * term.curvature)
          }
        } else {
          local.loss[0] += weight * Loss.softmax(&logits, label: label)
          local.curvature += logits
          logits[label] -= 1
          for k in 0..<count { local.residuals.append(weight * logits[k]) }
        }
      }
      return local
    }
    var whole = Local(loss: [Double](repeating: 0, count: count), residuals: [], curvature: [])
    for part in parts {
      for k in 0..<count { whole.loss[k] += part.loss[k] }
      whole.residuals += part.residuals
      whole.curvature += part.curvature
    }
    return whole
  }

  /// The loss's second derivative times `vectors + 1·constantᵀ`, both optional.
  private func curved(
    _ local: Local, _ vectors: [Double]? = nil, constant: [Double]
  ) -> [Double] {
    var result = vectors ?? zeros
    for i in 0..<size {
      let base = i * count
      var mean = 0.0
      for k in 0..<count {
        result[base + k] = local.curvature[base + k] * (result[base + k] + constant[k])
        mean += result[base + k]
      }
      if loss.isSeparable { continue }
      for k in 0..<count {
        result[base + k] = gram.weights[i] * (result[base + k] - local.curvature[base + k] * mean)
      }
    }
    return result
  }

  /// How the bias follows logits that change by `products`.
  private func following(
    _ local: Local, _ curvature: BiasCurvature, _ products: [Double]
  ) -> [Double] {
    let none = [Double](repeating: 0, count: count)
    if regularizesBias { return none }
    return curvature.solve(columnSums(curved(local, products, constant: none))).map { -$0 }
  }

  /// The second derivative of the summed losses in the bias.
  private enum BiasCurvature {
    case diagonal([Double])
    case factor(CholeskyFactor)

    func solve(_ right: [Double]) -> [Double] {
      switch self {
      case .diagonal(let values): zip(right, values).map { $1 > 0 ? $0 / $1 : 0 }
      case .factor(let factor): factor.solve(right)
      }
    }
  }

  private func biasCurvature(_ local: Local) -> BiasCurvature {
    if loss.isSeparable || regularizesBias { return .diagonal(columnSums(local.curvature)) }
    var product = [Double](repeating: 0, count: count * count)
    var weighted = local.curvature
    for i in 0..<size {
      for k in 0..<count { weighted[i * count + k] *= gram.weights[i] }
    }
    var transposed = [Double](repeating: 0, count: count * size)
    VectorOperations.transpose(local.curvature, rows: size, columns: count, into: &transposed)
    let packed = PackedMatrix<Double>()
    kernels.pack(
      weighted.span, .init(leadingDimension: count), depth: size, columns: count, into: packed)
    kernels.multiply(
      rows: count, transposed.span, .init(leadingDimension: size), packed, into: &product,
      .init(leadingDimension: count))
    var sweep = Sweep(
      values: [Double](repeating: 0, count: Sweep.fieldCount * count), classCount: count)
    sweep.crossProducts = (0..<count).map { Array(product[$0 * count..<($0 + 1) * count]) }
    return .factor(CholeskyFactor(curvatureOf: sweep))
  }

  // MARK: Columns

  var zeros: [Double] { [Double](repeating: 0, count: size * count) }
  private var ones: [Double] { [Double](repeating: 1, count: count) }

  /// What classes have in common: the sum over all, for each, when they share their steps.
  private func merged(_ values: [Double]) -> [Double] {
    loss.isSeparable
      ? values : [Double](repeating: values.reduce(0, +), count: count)
  }

  private func total(_ values: [Double]) -> Double {
    loss.isSeparable ? values.reduce(0, +) : values[0]
  }

  private func dot(_ a: [Double], _ b: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    for i in 0..<size {
      for k in 0..<count { sums[k] += a[i * count + k] * b[i * count + k] }
    }
    return merged(sums)
  }

  private func columnSums(_ a: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    for i in 0..<size {
      for k in 0..<count { sums[k] += a[i * count + k] }
    }
    return sums
  }

  private func add(_ a: [Double], times factors: [Double], to b: inout [Double]) {
    for i in 0..<size {
      for k in 0..<count { b[i * count + k] += factors[k] * a[i * count + k] }
    }
  }

  private func scale(_ a: inout [Double], by factors: [Double]) {
    for i in 0..<size {
      for k in 0..<count { a[i * count + k] *= factors[k] }
    }
  }
}
