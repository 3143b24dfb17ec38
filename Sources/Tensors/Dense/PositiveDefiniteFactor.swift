/// The triangular factor of a symmetric positive definite matrix: `A = L·Lᵀ` (Cholesky).
///
/// Small matrices may be factored row by row, see `PositiveDefiniteFactor+Rows.swift`; what follows is
/// the way by blocks. Everything beyond blocks of `blockSize` on the diagonal is matrix products, which divide among
/// threads without a trace. The blocks' inverses are kept: solving is products, too.
package struct PositiveDefiniteFactor: Sendable {
  package let size: Int
  /// L with `L·Lᵀ` the matrix, row-major; what is above its diagonal is not looked at.
  private(set) var elements: [Double]
  /// The inverses of the blocks on L's diagonal, `blockSize×blockSize` each; none when factored row by
  /// row.
  private var inverses: [[Double]]
  private let kernels: TrainingKernels

  static let blockSize = 64

  /// Factors some rows and the same columns of a matrix, plus `ridges` on the diagonal.
  ///
  /// - Parameters:
  ///   - ridges: one for each of `rows`.
  ///   - team: shares the work; nil for the calling thread alone. The result is the same.
  /// - Returns: nil when that is not positive definite in double precision.
  /// - Complexity: m³/3 multiplications for m rows.
  package init?(
    _ matrix: SymmetricMatrix, rows: [Int], ridges: [Double], kernels: TrainingKernels = .fastest,
    team: ThreadTeam? = nil
  ) {
    let (size, stride) = (rows.count, matrix.size)
    precondition(ridges.count == size, "a ridge for each row")
    precondition(rows.allSatisfy { $0 >= 0 && $0 < stride }, "no such row")
    self.size = size
    self.kernels = kernels
    inverses = []
    elements = matrix.lowerElements(rows)
    for i in 0..<size { elements[i * size + i] += ridges[i] }
    let packed = PackedMatrix<Double>()
    for block in Self.blocks(size) {
      let below = block.lowerBound..<size
      update(below, block, packed, team)
      guard let inverse = factorDiagonal(block) else { return nil }
      inverses.append(inverse)
      let rest = block.upperBound..<size
      if rest.isEmpty { break }
      // The rest of these columns: A₂₁·L₁₁⁻ᵀ.
      kernels.pack(
        inverse.span, .init(leadingDimension: block.count, isTransposed: true),
        depth: block.count, columns: block.count, into: packed)
      replace(rest, block, packed)
    }
  }

  /// A factor without inverses, which solves by substitution.
  init(size: Int, rowByRow elements: [Double]) {
    (self.size, self.elements, inverses, kernels) = (size, elements, [], .fastest)
  }

  private static func blocks(_ size: Int) -> [Range<Int>] {
    stride(from: 0, to: size, by: blockSize).map { $0..<min($0 + blockSize, size) }
  }

  /// Subtracts from columns `block` of `rows` the products with the columns to their left.
  private mutating func update(
    _ rows: Range<Int>, _ block: Range<Int>, _ packed: PackedMatrix<Double>, _ team: ThreadTeam?
  ) {
    let depth = block.lowerBound
    if depth == 0 { return }
    var left = [Double](repeating: 0, count: block.count * depth)
    for (i, row) in block.enumerated() {
      for j in 0..<depth { left[i * depth + j] = -elements[row * size + j] }
    }
    kernels.pack(
      left.span, .init(leadingDimension: depth, isTransposed: true), depth: depth,
      columns: block.count, into: packed)
    kernels.addProduct(
      rows: rows, of: &elements, leadingDimension: size, to: block.lowerBound, packed, team: team)
  }

  /// Replaces columns `block` of `rows` by their product with the packed matrix.
  private mutating func replace(
    _ rows: Range<Int>, _ block: Range<Int>, _ packed: PackedMatrix<Double>
  ) {
    var copy = [Double](repeating: 0, count: rows.count * block.count)
    for (i, row) in rows.enumerated() {
      for (j, column) in block.enumerated() {
        copy[i * block.count + j] = elements[row * size + column]
      }
    }
    kernels.multiply(
      rows: rows.count, copy.span, .init(leadingDimension: block.count), packed, into: &elements,
      .init(leadingDimension: size, offset: rows.lowerBound * size + block.lowerBound))
  }

  /// Factors a block on the diagonal, and inverts the factor.
  ///
  /// Inner loops run along rows, of the transposed factor too: they are vectors, not sums.
  private mutating func factorDiagonal(_ block: Range<Int>) -> [Double]? {
    let (count, start, size) = (block.count, block.lowerBound, size)
    var upper = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in 0...i { upper[j * count + i] = elements[(start + i) * size + start + j] }
    }
    let isPositive = upper.withUnsafeMutableBufferPointer { upper -> Bool in
      for k in 0..<count {
        let pivot = upper[k * count + k]
        guard pivot > 0, pivot.isFinite else { return false }
        let root = pivot.squareRoot()
        for j in k..<count { upper[k * count + j] /= root }
        for i in k + 1..<max(count, k + 1) {
          let factor = upper[k * count + i]
          for j in i..<count { upper[i * count + j] -= factor * upper[k * count + j] }
        }
      }
      return true
    }
    if !isPositive { return nil }
    var inverse = [Double](repeating: 0, count: count * count)
    inverse.withUnsafeMutableBufferPointer { inverse in
      for i in 0..<count {
        let row = i * count
        inverse[row + i] = 1
        for k in 0..<i {
          let factor = upper[k * count + i]
          for j in 0...k { inverse[row + j] -= factor * inverse[k * count + j] }
        }
        for j in 0...i { inverse[row + j] /= upper[row + i] }
      }
    }
    for i in 0..<count {
      for j in 0...i { elements[(start + i) * size + start + j] = upper[j * count + i] }
    }
    return inverse
  }

  /// Replaces the `size×count` matrix `right`, row-major, by X with `L·Lᵀ·X = right`.
  package func solve(_ right: inout [Double], count: Int) {
    precondition(right.count == size * count)
    if right.isEmpty { return }
    if inverses.isEmpty { return substitute(&right, count: count) }
    let packed = PackedMatrix<Double>()
    let blocks = Self.blocks(size)
    let layout = MatrixLayout(leadingDimension: count)
    for (index, block) in blocks.enumerated() {
      solveDiagonal(index, block, &right, count: count, isTransposed: false, packed)
      let rest = block.upperBound..<size
      if rest.isEmpty { break }
      packNegated(right, block, count, packed)
      kernels.multiply(
        rows: rest.count, elements.span,
        .init(leadingDimension: size, offset: rest.lowerBound * size + block.lowerBound), packed,
        into: &right, .init(leadingDimension: count, offset: rest.lowerBound * count),
        adding: true)
    }
    var transposed: [Double] = []
    for (index, block) in blocks.enumerated().reversed() {
      solveDiagonal(index, block, &right, count: count, isTransposed: true, packed)
      if block.lowerBound == 0 { break }
      packNegated(right, block, count, packed)
      // The columns to the left of the block, as rows.
      transposed = [Double](repeating: 0, count: block.lowerBound * block.count)
      for (i, row) in block.enumerated() {
        for j in 0..<block.lowerBound {
          transposed[j * block.count + i] = elements[row * size + j]
        }
      }
      kernels.multiply(
        rows: block.lowerBound, transposed.span, .init(leadingDimension: block.count), packed,
        into: &right, layout, adding: true)
    }
  }

  private func packNegated(
    _ right: [Double], _ block: Range<Int>, _ count: Int, _ packed: PackedMatrix<Double>
  ) {
    let some = right[block.lowerBound * count..<block.upperBound * count].map { -$0 }
    kernels.pack(
      some.span, .init(leadingDimension: count), depth: block.count, columns: count, into: packed)
  }

  /// Replaces rows `block` of `right` by their product with the inverse of the block's factor.
  private func solveDiagonal(
    _ index: Int, _ block: Range<Int>, _ right: inout [Double], count: Int, isTransposed: Bool,
    _ packed: PackedMatrix<Double>
  ) {
    let size = block.count
    var inverse = inverses[index]
    if isTransposed {
      for i in 0..<size {
        for j in 0..<size { inverse[i * size + j] = inverses[index][j * size + i] }
      }
    }
    kernels.pack(
      right.span, .init(leadingDimension: count, offset: block.lowerBound * count),
      depth: size, columns: count, into: packed)
    kernels.multiply(
      rows: size, inverse.span, .init(leadingDimension: size), packed, into: &right,
      .init(leadingDimension: count, offset: block.lowerBound * count))
  }
}
