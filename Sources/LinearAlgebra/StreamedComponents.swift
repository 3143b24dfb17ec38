package import Tensors

/// The directions in which many rows vary most, found without ever holding all rows.
///
/// Subspace iteration on `AᵀA`, A being the rows less their mean, from a random start (Halko,
/// Martinsson and Tropp, “Finding structure with randomness”, 2011, algorithms 4.4 and 5.3): rows
/// pass by a few times, in blocks, in single precision; what is kept is `width` times a few dozen
/// numbers for each of a fixed number of groups of blocks, so that threads do not show in the bits.
package struct StreamedComponents: Sendable {
  /// `rows×count`, row-major: the coordinates of each row.
  package private(set) var coordinates: [Float] = []
  /// Each direction's share of the variance, descending.
  package private(set) var shares: [Double] = []
  /// Directions found: fewer than asked for where the rows do not vary in so many.
  package var count: Int { shares.count }

  /// Appends the values of some rows, all finite, to an array.
  package typealias Reader = @Sendable (_ rows: Range<Int>, _ values: inout [Float]) throws -> Void

  /// Directions beyond those wanted, which make those wanted more exact.
  private static let oversampling = 10
  private static let blockRows = 256
  /// Groups of blocks, each with sums of its own.
  private static let mostGroups = 16
  /// A share of the variance that rounding alone may have.
  private static let smallestShare = 1e-10

  private let width: Int
  private let rowCount: Int
  private let team: ThreadTeam
  private let read: Reader

  /// - Parameters:
  ///   - passes: over all rows, one more than this.
  ///   - pass: called before each pass over the rows, with its number and that of all.
  /// - Throws: `LinearAlgebraError`, and what `read` throws.
  package init(
    rowCount: Int, width: Int, count: Int, seed: UInt64, passes: Int = 4, team: ThreadTeam,
    read: @escaping Reader, pass: (Int, Int) -> Void = { _, _ in }
  ) throws {
    precondition(rowCount > 0 && width > 0 && count > 0 && passes > 0, "no matrix")
    (self.width, self.rowCount, self.team, self.read) = (width, rowCount, team, read)
    var generator = SeededGenerator(seed: seed)
    var size = min(count + Self.oversampling, rowCount, width)
    var basis = (0..<size * width).map { _ in generator.normal() }
    var mean = [Double](repeating: 0, count: width)
    var variance = 0.0
    for index in 0..<passes {
      pass(index, passes + 1)
      var (image, sums, squares) = try images(basis, size, mean, isFirst: index == 0)
      if index == 0 {
        mean = sums.map { $0 / Double(rowCount) }
        variance = squares - mean.reduce(0) { $0 + $1 * $1 } * Double(rowCount)
        if variance <= Self.smallestShare * squares { return }
        Self.centre(&image, basis, size, mean, rowCount)
      }
      (basis, size) = try orthonormalized(image, size)
      if size == 0 { return }
    }
    pass(passes, passes + 1)
    try project(basis, size, mean, wanted: count, variance: variance)
  }

  private var groups: [Range<Int>] {
    let blocks = (rowCount + Self.blockRows - 1) / Self.blockRows
    let count = min(blocks, Self.mostGroups)
    return (0..<count).map { $0 * blocks / count..<($0 + 1) * blocks / count }
  }

  private func rows(_ block: Int) -> Range<Int> {
    block * Self.blockRows..<min((block + 1) * Self.blockRows, rowCount)
  }

  /// `size×width`: the product of `basis` with `AᵀA`; on the first pass, with A not yet less its
  /// mean, also the sums of columns and of all squares.
  private func images(_ basis: [Float], _ size: Int, _ mean: [Double], isFirst: Bool) throws -> (
    image: [Double], sums: [Double], squares: Double
  ) {
    let packed = packedDirections(basis, size)
    let shift = isFirst ? [Float](repeating: 0, count: size) : shifts(basis, size, mean)
    let groups = groups
    let parts = try team.throwingMap(groups.count) { group, _ in
      var image = [Float](repeating: 0, count: size * width)
      var sums = [Double](repeating: 0, count: isFirst ? width : 0)
      var squares = 0.0
      var values = [Float]()
      let rowsPacked = PackedMatrix<Float>()
      for block in groups[group] {
        let count = rows(block).count
        let products = try products(block, packed, shift, size, &values)
        if isFirst { Self.addMoments(values, width, &sums, &squares) }
        var turned = [Float](repeating: 0, count: count * size)
        VectorOperations.transpose(products, rows: count, columns: size, into: &turned)
        TrainingKernels.fastest.pack(
          values.span, .init(leadingDimension: width), depth: count, columns: width,
          into: rowsPacked)
        TrainingKernels.fastest.multiply(
          rows: size, turned.span, .init(leadingDimension: count), rowsPacked, into: &image,
          .init(leadingDimension: width), adding: true)
      }
      return (image, sums, squares)
    }
    var image = [Double](repeating: 0, count: size * width)
    var sums = [Double](repeating: 0, count: width)
    for part in parts {
      for (i, value) in part.0.enumerated() { image[i] += Double(value) }
      for (j, value) in part.1.enumerated() { sums[j] += value }
    }
    return (image, sums, parts.reduce(0) { $0 + $1.2 })
  }

  /// The products of a block's rows, less the mean, with each direction; leaves the rows in `values`.
  private func products(
    _ block: Int, _ packed: PackedMatrix<Float>, _ shift: [Float], _ size: Int,
    _ values: inout [Float]
  ) throws -> [Float] {
    let rows = rows(block)
    values.removeAll(keepingCapacity: true)
    try read(rows, &values)
    precondition(values.count == rows.count * width, "rows are missing")
    var products = [Float](repeating: 0, count: rows.count * size)
    TrainingKernels.fastest.multiply(
      rows: rows.count, values.span, .init(leadingDimension: width), packed, into: &products,
      .init(leadingDimension: size))
    for row in 0..<rows.count {
      for k in 0..<size { products[row * size + k] -= shift[k] }
    }
    return products
  }

  private static func addMoments(
    _ values: [Float], _ width: Int, _ sums: inout [Double], _ squares: inout Double
  ) {
    for start in stride(from: 0, to: values.count, by: width) {
      let row = values.span.extracting(start..<start + width)
      VectorOperations.addMoments(row, times: 1, minus: nil, to: &sums)
      squares += VectorOperations.squaredNorm(row)
    }
  }

  private func packedDirections(_ basis: [Float], _ size: Int) -> PackedMatrix<Float> {
    let packed = PackedMatrix<Float>()
    TrainingKernels.fastest.pack(
      basis.span, .init(leadingDimension: width, isTransposed: true), depth: width, columns: size,
      into: packed)
    return packed
  }

  /// The products of the mean with each direction.
  private func shifts(_ basis: [Float], _ size: Int, _ mean: [Double]) -> [Float] {
    (0..<size).map { k in
      Float((0..<width).reduce(0) { $0 + Double(basis[k * width + $1]) * mean[$1] })
    }
  }

  /// `AᵀA` of rows less their mean is that of the rows less `rowCount·mean·meanᵀ`.
  private static func centre(
    _ image: inout [Double], _ basis: [Float], _ size: Int, _ mean: [Double], _ rowCount: Int
  ) {
    let width = mean.count
    for k in 0..<size {
      let product = (0..<width).reduce(0) { $0 + Double(basis[k * width + $1]) * mean[$1] }
      for j in 0..<width { image[k * width + j] -= Double(rowCount) * product * mean[j] }
    }
  }

  /// Rows of length 1 that span what the rows of `image` span, by the eigenvectors of their products.
  private func orthonormalized(
    _ image: [Double], _ size: Int
  ) throws(LinearAlgebraError) -> (basis: [Float], size: Int) {
    let (values, vectors) = try SymmetricEigenproblem.largest(
      size, of: gram(image, size), order: size)
    let kept = values.filter { $0 > 1e-14 * values[0] && $0 > 0 }.count
    if kept == 0 { return ([], 0) }
    let factors = (0..<kept).flatMap { k in
      let scale = 1 / values[k].squareRoot()
      return (0..<size).map { vectors[k * size + $0] * scale }
    }
    let packed = PackedMatrix<Double>()
    TrainingKernels.fastest.pack(
      image.span, .init(leadingDimension: width), depth: size, columns: width, into: packed)
    var basis = [Double](repeating: 0, count: kept * width)
    TrainingKernels.fastest.multiply(
      rows: kept, factors.span, .init(leadingDimension: size), packed, into: &basis,
      .init(leadingDimension: width))
    return (basis.map { Float($0) }, kept)
  }

  private func gram(_ rows: [Double], _ size: Int) -> [Double] {
    let packed = PackedMatrix<Double>()
    let layout = MatrixLayout(leadingDimension: width)
    TrainingKernels.fastest.pack(
      rows.span, .init(leadingDimension: width, isTransposed: true), depth: width, columns: size,
      into: packed)
    var products = [Double](repeating: 0, count: size * size)
    TrainingKernels.fastest.multiply(
      rows: size, rows.span, layout, packed, into: &products, .init(leadingDimension: size))
    return products
  }

  /// The rows' coordinates, turned so that they are not correlated.
  private mutating func project(
    _ basis: [Float], _ size: Int, _ mean: [Double], wanted: Int, variance: Double
  ) throws {
    let packed = packedDirections(basis, size)
    let shift = shifts(basis, size, mean)
    let blocks = (rowCount + Self.blockRows - 1) / Self.blockRows
    let parts = try team.throwingMap(blocks) { [self] block, _ in
      var values = [Float]()
      return try products(block, packed, shift, size, &values)
    }
    var scatter = [Double](repeating: 0, count: size * size)
    for part in parts {
      let wide = part.map { Double($0) }
      var turned = [Double](repeating: 0, count: wide.count)
      VectorOperations.transpose(wide, rows: wide.count / size, columns: size, into: &turned)
      let right = PackedMatrix<Double>()
      TrainingKernels.fastest.pack(
        wide.span, .init(leadingDimension: size), depth: wide.count / size, columns: size,
        into: right)
      TrainingKernels.fastest.multiply(
        rows: size, turned.span, .init(leadingDimension: wide.count / size), right,
        into: &scatter, .init(leadingDimension: size), adding: true)
    }
    let (values, vectors) = try SymmetricEigenproblem.largest(
      min(wanted, size), of: scatter, order: size)
    let found = values.filter { $0 > Self.smallestShare * variance }
    shares = found.map { $0 / variance }
    if found.isEmpty { return }
    let turn = (0..<found.count).flatMap { k -> [Float] in
      let vector = Array(vectors[k * size..<(k + 1) * size])
      let largest = vector.indices.max { abs(vector[$0]) < abs(vector[$1]) }!
      return vector.map { Float(vector[largest] < 0 ? -$0 : $0) }
    }
    let right = PackedMatrix<Float>()
    TrainingKernels.fastest.pack(
      turn.span, .init(leadingDimension: size, isTransposed: true), depth: size,
      columns: found.count, into: right)
    coordinates.reserveCapacity(rowCount * found.count)
    for part in parts {
      var turned = [Float](repeating: 0, count: part.count / size * found.count)
      TrainingKernels.fastest.multiply(
        rows: part.count / size, part.span, .init(leadingDimension: size), right, into: &turned,
        .init(leadingDimension: found.count))
      coordinates += turned
    }
  }
}
