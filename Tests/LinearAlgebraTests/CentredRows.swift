import Tensors

@testable import LinearAlgebra

/// Rows less their mean, and products with them, whose bits do not depend on threads.
struct CentredRows {
  /// `rowCount×width`, row-major.
  private let values: [Double]
  let width: Int
  let rowCount: Int
  /// The sum of all squares.
  let variance: Double
  private let team: ThreadTeam

  /// Rows, or columns, of one product.
  private static let block = 256

  init(_ rows: [Double], width: Int, team: ThreadTeam) {
    let rowCount = rows.count / width
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<rowCount {
      for j in 0..<width { mean[j] += rows[row * width + j] }
    }
    var values = rows
    var variance = 0.0
    for row in 0..<rowCount {
      for j in 0..<width {
        values[row * width + j] -= mean[j] / Double(rowCount)
        variance += values[row * width + j] * values[row * width + j]
      }
    }
    self.values = values
    self.width = width
    self.rowCount = rowCount
    self.variance = variance
    self.team = team
  }

  typealias Direction = (direction: [Double], variance: Double)

  /// The first `count` right singular vectors, and the squares of their singular values.
  func decomposed(_ count: Int) throws(LinearAlgebraError) -> [Direction] {
    let found = try SingularValues(of: values, rows: rowCount, columns: width)
    return (0..<count).map { k in
      (Array(found.right[k * width..<(k + 1) * width]), found.values[k] * found.values[k])
    }
  }

  /// The first `count` eigenvectors of `Aᵀ·A`, and their eigenvalues.
  func eigenvectors(_ count: Int) throws(LinearAlgebraError) -> [Direction] {
    if width <= rowCount {
      let scatter = squared(isByColumns: true)
      let (values, vectors) = try SymmetricEigenproblem.largest(count, of: scatter, order: width)
      return (0..<count).map { (Array(vectors[$0 * width..<($0 + 1) * width]), values[$0]) }
    }
    // A·Aᵀ·u = λ·u makes Aᵀ·u an eigenvector of Aᵀ·A with the same λ, of length √λ.
    let gram = squared(isByColumns: false)
    let (values, vectors) = try SymmetricEigenproblem.largest(count, of: gram, order: rowCount)
    let images = transposedProducts(with: vectors, count: count)
    return (0..<count).map { k in
      let scale = values[k] > 0 ? 1 / values[k].squareRoot() : 0
      return (images[k * width..<(k + 1) * width].map { $0 * scale }, values[k])
    }
  }

  /// `rowCount×count`: the products of each row with each of `count` vectors, a row each.
  func products(with vectors: [Double], count: Int) -> [Double] {
    let packed = PackedMatrix<Double>()
    TrainingKernels.fastest.pack(
      vectors.span, .init(leadingDimension: width, isTransposed: true), depth: width,
      columns: count, into: packed)
    return blocks(of: rowCount) { rows in
      var part = [Double](repeating: 0, count: rows.count * count)
      TrainingKernels.fastest.multiply(
        rows: rows.count, values.span,
        .init(leadingDimension: width, offset: rows.lowerBound * width), packed, into: &part,
        .init(leadingDimension: count))
      return part
    }.flatMap { $0 }
  }

  /// `count×width`: the combinations of rows by each of `count` vectors of `rowCount` coefficients.
  private func transposedProducts(with vectors: [Double], count: Int) -> [Double] {
    let parts = blocks(of: width) { columns in
      let packed = PackedMatrix<Double>()
      TrainingKernels.fastest.pack(
        values.span, .init(leadingDimension: width, offset: columns.lowerBound), depth: rowCount,
        columns: columns.count, into: packed)
      var part = [Double](repeating: 0, count: count * columns.count)
      TrainingKernels.fastest.multiply(
        rows: count, vectors.span, .init(leadingDimension: rowCount), packed, into: &part,
        .init(leadingDimension: columns.count))
      return part
    }
    return (0..<count).flatMap { k in
      parts.flatMap { $0[k * ($0.count / count)..<(k + 1) * ($0.count / count)] }
    }
  }

  /// `Aᵀ·A` by columns or `A·Aᵀ` by rows, both triangles.
  private func squared(isByColumns: Bool) -> [Double] {
    let (order, depth) = isByColumns ? (width, rowCount) : (rowCount, width)
    // The left factor has its rows one after the other in memory: of Aᵀ, that takes a copy.
    let left = isByColumns ? transposed : values
    return blocks(of: order) { range in
      let packed = PackedMatrix<Double>()
      TrainingKernels.fastest.pack(
        left.span,
        .init(leadingDimension: depth, offset: range.lowerBound * depth, isTransposed: true),
        depth: depth, columns: range.count, into: packed)
      var part = [Double](repeating: 0, count: order * range.count)
      TrainingKernels.fastest.multiply(
        rows: order, left.span, .init(leadingDimension: depth), packed, into: &part,
        .init(leadingDimension: range.count))
      // Symmetric: the columns of this block are its rows.
      return (0..<range.count).flatMap { j in (0..<order).map { part[$0 * range.count + j] } }
    }.flatMap { $0 }
  }

  private var transposed: [Double] {
    (0..<width).flatMap { j in (0..<rowCount).map { values[$0 * width + j] } }
  }

  /// What `body` makes of fixed ranges of `0..<count`, in order; the team shares them.
  private func blocks(of count: Int, _ body: @Sendable (Range<Int>) -> [Double]) -> [[Double]] {
    let starts = Array(stride(from: 0, to: count, by: Self.block))
    return team.map(starts.count) { index, _ in
      body(starts[index]..<min(starts[index] + Self.block, count))
    }
  }
}
