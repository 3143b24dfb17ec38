/// The directions in which rows vary most, and the rows' coordinates along them.
///
/// Subspace iteration with Rayleigh–Ritz steps (Golub and Van Loan, *Matrix Computations*, section
/// 8.2.4) on `XᵀX` of the centred rows, in double precision, from a seeded start. The result depends
/// neither on threads nor on the signs that the start happened to have.
package struct PrincipalComponents: Sendable {
  /// `rows×count`, row-major: the coordinates of each row.
  package private(set) var coordinates: [Double]
  /// Each direction's share of the variance, descending.
  package private(set) var shares: [Double]
  /// Directions found: fewer than asked for where the rows do not vary in so many.
  package var count: Int { shares.count }

  /// Directions beyond those asked for that the iteration carries along, to converge sooner.
  private static let extra = 8
  private static let maximumIterations = 1000
  /// Largest `‖XᵀX·v − λ·v‖` of a direction, relative to the largest λ.
  private static let tolerance = 1e-9

  /// - Parameters:
  ///   - rows: `rowCount×width`, row-major, finite.
  ///   - count: directions wanted.
  package init(_ rows: [Double], width: Int, count: Int, team: ThreadTeam) {
    precondition(width > 0 && rows.count % width == 0 && count > 0, "no matrix")
    let centred = Centred(rows, width: width, team: team)
    var generator = SeededGenerator(seed: 1)
    let candidates = min(count + Self.extra, centred.rowCount, width)
    var directions = Self.orthonormal(
      (0..<candidates).map { _ in (0..<width).map { _ in Double(generator.normal()) } })
    var values: [Double] = []
    for _ in 0..<Self.maximumIterations {
      if centred.variance == 0 || directions.isEmpty { break }
      let images = centred.images(of: directions)
      let k = directions.count
      var small = [Double](repeating: 0, count: k * k)
      for i in 0..<k {
        for j in 0...i {
          small[i * k + j] = Self.dot(directions[i], images[j])
          small[j * k + i] = small[i * k + j]
        }
      }
      let (eigenvalues, rotation) = SymmetricEigen.decompose(small, order: k)
      values = eigenvalues
      let rotated = Self.combine(directions, rotation)
      let rotatedImages = Self.combine(images, rotation)
      let wanted = min(count, k)
      var residual = 0.0
      for i in 0..<wanted {
        var square = 0.0
        for j in 0..<width {
          let difference = rotatedImages[i][j] - values[i] * rotated[i][j]
          square += difference * difference
        }
        residual = max(residual, square.squareRoot())
      }
      if residual <= Self.tolerance * values[0] {
        directions = rotated
        break
      }
      directions = Self.orthonormal(rotatedImages)
    }
    // Rounding alone varies by this much.
    let found = zip(directions, values).prefix(count).filter { $1 > 1e-12 * centred.variance }
    shares = found.map { $1 / centred.variance }
    coordinates = [Double](repeating: 0, count: centred.rowCount * found.count)
    for (i, (direction, _)) in found.enumerated() {
      let largest = direction.indices.max { abs(direction[$0]) < abs(direction[$1]) }!
      let sign: Double = direction[largest] < 0 ? -1 : 1
      let products = centred.products(with: [direction])
      for row in 0..<centred.rowCount {
        coordinates[row * found.count + i] = sign * products[row]
      }
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  /// The sums of `vectors` with the columns of `rotation` as weights.
  private static func combine(_ vectors: [[Double]], _ rotation: [Double]) -> [[Double]] {
    let k = vectors.count
    return (0..<k).map { column in
      var sum = [Double](repeating: 0, count: vectors[0].count)
      for i in 0..<k {
        let weight = rotation[i * k + column]
        for j in sum.indices { sum[j] += weight * vectors[i][j] }
      }
      return sum
    }
  }

  /// Gram and Schmidt's procedure, twice over; vectors that depend on those before them are dropped.
  private static func orthonormal(_ vectors: [[Double]]) -> [[Double]] {
    let largest = vectors.map { dot($0, $0) }.max() ?? 0
    var result: [[Double]] = []
    for var vector in vectors {
      for _ in 0..<2 {
        for other in result {
          let share = dot(vector, other)
          for j in vector.indices { vector[j] -= share * other[j] }
        }
      }
      let square = dot(vector, vector)
      if square <= 1e-26 * largest { continue }
      let scale = 1 / square.squareRoot()
      result.append(vector.map { $0 * scale })
    }
    return result
  }
}

/// Rows less their mean.
private struct Centred {
  let values: [Double]
  let width: Int
  let rowCount: Int
  /// The sum of all squares.
  let variance: Double
  let team: ThreadTeam

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

  /// `rows×vectors`: the products of each row with each vector.
  func products(with vectors: [[Double]]) -> [Double] {
    let k = vectors.count
    let packed = PackedMatrix<Double>()
    DenseKernels.fastest.pack(
      vectors.flatMap { $0 }.span, .init(leadingDimension: width, isTransposed: true), depth: width,
      columns: k, into: packed)
    let starts = Array(stride(from: 0, to: rowCount, by: Self.block))
    return team.map(starts.count) { index, _ in
      let count = min(Self.block, rowCount - starts[index])
      var part = [Double](repeating: 0, count: count * k)
      DenseKernels.fastest.multiply(
        rows: count, values.span,
        .init(leadingDimension: width, offset: starts[index] * width), packed, into: &part,
        .init(leadingDimension: k))
      return part
    }.flatMap { $0 }
  }

  /// `XᵀX·v` of each vector.
  func images(of vectors: [[Double]]) -> [[Double]] {
    let k = vectors.count
    let products = products(with: vectors)
    let turned = (0..<k).flatMap { i in (0..<rowCount).map { products[$0 * k + i] } }
    let starts = Array(stride(from: 0, to: width, by: Self.block))
    let parts = team.map(starts.count) { index, _ in
      let count = min(Self.block, width - starts[index])
      let packed = PackedMatrix<Double>()
      DenseKernels.fastest.pack(
        values.span, .init(leadingDimension: width, offset: starts[index]), depth: rowCount,
        columns: count, into: packed)
      var part = [Double](repeating: 0, count: k * count)
      DenseKernels.fastest.multiply(
        rows: k, turned.span, .init(leadingDimension: rowCount), packed, into: &part,
        .init(leadingDimension: count))
      return part
    }
    return (0..<k).map { i in
      parts.flatMap { part in part[i * (part.count / k)..<(i + 1) * (part.count / k)] }
    }
  }
}

/// Eigenvalues and eigenvectors of small symmetric matrices, by Jacobi's rotations (Golub and Van
/// Loan, section 8.5).
enum SymmetricEigen {
  /// - Returns: the eigenvalues, descending, and `order×order` eigenvectors, a column each.
  static func decompose(
    _ matrix: [Double], order n: Int
  ) -> (values: [Double], vectors: [Double]) {
    var a = matrix
    var v = [Double](repeating: 0, count: n * n)
    for i in 0..<n { v[i * n + i] = 1 }
    for _ in 0..<100 {
      var off = 0.0
      var diagonal = 0.0
      for i in 0..<n {
        diagonal += a[i * n + i] * a[i * n + i]
        for j in 0..<i { off += a[i * n + j] * a[i * n + j] }
      }
      if off <= 1e-32 * diagonal { break }
      for p in 0..<n {
        for q in p + 1..<max(n, p + 1) where a[p * n + q] != 0 { rotate(&a, &v, n, p, q) }
      }
    }
    let order = (0..<n).sorted { a[$0 * n + $0] > a[$1 * n + $1] }
    var sorted = [Double](repeating: 0, count: n * n)
    for (column, source) in order.enumerated() {
      for i in 0..<n { sorted[i * n + column] = v[i * n + source] }
    }
    return (order.map { a[$0 * n + $0] }, sorted)
  }

  /// Makes `a[p, q]` zero by turning rows and columns p and q.
  private static func rotate(
    _ a: inout [Double], _ v: inout [Double], _ n: Int, _ p: Int, _ q: Int
  ) {
    let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
    let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
    let c = 1 / (t * t + 1).squareRoot()
    let s = t * c
    for i in 0..<n {
      let (x, y) = (a[i * n + p], a[i * n + q])
      a[i * n + p] = c * x - s * y
      a[i * n + q] = s * x + c * y
    }
    for i in 0..<n {
      let (x, y) = (a[p * n + i], a[q * n + i])
      a[p * n + i] = c * x - s * y
      a[q * n + i] = s * x + c * y
      let (u, w) = (v[i * n + p], v[i * n + q])
      v[i * n + p] = c * u - s * w
      v[i * n + q] = s * u + c * w
    }
  }
}
