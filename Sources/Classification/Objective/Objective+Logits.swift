internal import Tensors

/// Products of the rows with weights: logits, along a direction or at a point.
extension Objective {
  /// Sets the logits of the direction on every row.
  ///
  /// - Parameters:
  ///   - direction: `A×stride` weights, of which the first D of a row count.
  ///   - precision: of the products.
  func multiply(direction: [Float], count: Int, stride: Int, precision: Precision) throws {
    switch precision {
    case .single where rows.classCount <= Self.mostPlainClasses.single:
      try multiply(.plain(direction, stride: stride), count: count)
    case .single:
      let packed = PackedMatrix<Float>()
      kernels.pack(
        direction.span, .init(leadingDimension: stride, isTransposed: true), depth: rows.width,
        columns: count, into: packed)
      try multiply(.single(packed), count: count)
    case .double:
      let factors = Self.factors(
        direction.map(Double.init), width: rows.width, stride: stride, count: count,
        classCount: rows.classCount, kernels)
      try multiply(.double(factors), count: count)
    }
  }

  /// Weights for products in single or in double precision.
  private enum Factors: Sendable {
    /// As they are, `count×stride`; see `mostPlainClasses`.
    case plain([Float], stride: Int)
    case single(PackedMatrix<Float>)
    case double(DoubleFactors)
  }

  /// Sets the blocks' `directionLogits`.
  private func multiply(_ factors: Factors, count: Int) throws {
    let (source, blocks, workspaces) = (rows.source, rows.blocks, workspaces)
    let (width, kernels) = (rows.width, kernels)
    try team.forEach(blocks.count) { index, worker in
      let (block, workspace) = (blocks[index], workspaces[worker])
      let n = block.count
      if block.directionLogits.count != n * count {
        block.directionLogits = [Double](repeating: 0, count: n * count)
      }
      try block.withFeatures(of: source, workspace) { features in
        switch factors {
        case .double(let factors):
          Self.multiply(
            features, block, factors, width: width, count: count, into: &block.directionLogits,
            workspace, kernels)
        case .plain, .single:
          workspace.single.product.reserve(n * count)
          if case .plain(let weights, let stride) = factors {
            kernels.dots(
              rows: n, features, depth: width, columns: count, weights, stride: stride,
              into: &workspace.single.product)
          } else if case .single(let packed) = factors {
            kernels.multiply(
              rows: n, features, .init(leadingDimension: width), packed,
              into: &workspace.single.product, .init(leadingDimension: count))
          }
          VectorOperations.widen(
            workspace.single.product, rows: n, columns: count, times: block.scales,
            into: &block.directionLogits)
        }
      }
    }
  }

  /// `X·Wᵀ` of other rows of the same source, without bias; each block's `kept×count`.
  ///
  /// - Parameter weights: `count×D`.
  func scores(of blocks: [RowBlock], weights: [Float], count: Int) throws -> [[Float]] {
    let (source, workspaces, width) = (rows.source, workspaces, rows.width)
    let (kernels, packed) = (kernels, PackedMatrix<Float>())
    kernels.pack(
      weights.span, .init(leadingDimension: width, isTransposed: true), depth: width,
      columns: count, into: packed)
    return try team.throwingMap(blocks.count) { index, worker -> [Float] in
      let block = blocks[index]
      var scores = [Float](repeating: 0, count: block.count * count)
      try block.withFeatures(of: source, workspaces[worker]) { features in
        kernels.multiply(
          rows: block.count, features, .init(leadingDimension: width), packed, into: &scores,
          .init(leadingDimension: count))
      }
      for i in 0..<block.count where block.scales[i] != 1 {
        for k in i * count..<(i + 1) * count { scores[k] *= Float(block.scales[i]) }
      }
      return scores
    }
  }

  /// Moves the logits along the direction by `steps[a]` for class `classes[a]`.
  func advance(classes: [Int], steps: [Double]) {
    let blocks = rows.blocks
    let (classCount, count) = (rows.classCount, classes.count)
    team.forEach(blocks.count) { index, _ in
      let block = blocks[index]
      for i in 0..<block.count {
        for a in 0..<count {
          block.logits[i * classCount + classes[a]] +=
            steps[a] * block.directionLogits[i * count + a]
        }
      }
    }
  }

  /// Sets the logits of all classes to the products with their weights, in double precision.
  ///
  /// - Parameter weights: K×D.
  func setLogits(weights: [Double]) throws {
    try setLogits(of: Array(0..<rows.classCount), weights: weights)
  }

  /// Sets the logits of some classes to the products with their weights, in double precision.
  ///
  /// - Parameter weights: K×D.
  func setLogits(of classes: [Int], weights: [Double]) throws {
    if classes.isEmpty { return }
    let (width, classCount, count) = (rows.width, rows.classCount, classes.count)
    let chosen = classes.flatMap { weights[$0 * width..<($0 + 1) * width] }
    let factors = Self.factors(
      chosen, width: width, stride: width, count: count, classCount: classCount, kernels)
    try multiply(.double(factors), count: count)
    let blocks = rows.blocks
    team.forEach(blocks.count) { index, _ in
      let block = blocks[index]
      for i in 0..<block.count {
        for a in 0..<count {
          block.logits[i * classCount + classes[a]] = block.directionLogits[i * count + a]
        }
      }
    }
  }
}
