package import Tensors

/// How unlike rows are, pair by pair: 1 less the Pearson correlation of their values.
///
/// Kriegeskorte, Mur and Bandettini, “Representational similarity analysis: connecting the branches
/// of systems neuroscience”, 2008. A row whose values are all the same correlates with nothing: 1.
package struct Dissimilarities: Sendable {
  package let count: Int
  /// `count×count`, row-major, symmetric, zeros along the diagonal; in 0…2.
  package let values: [Float]

  private static let block = 256

  /// - Parameter read: appends the values of some of the rows.
  /// - Throws: what `read` throws.
  package init(
    count: Int, width: Int, team: ThreadTeam,
    read: @Sendable (Range<Int>, inout [Float]) throws -> Void
  ) throws {
    precondition(count > 0 && width > 0, "no rows")
    self.count = count
    let starts = Array(stride(from: 0, to: count, by: Self.block))
    // Rows less their mean, of length 1, in double precision: a block at a time.
    let rows = try team.throwingMap(starts.count) { index, _ in
      let range = starts[index]..<min(starts[index] + Self.block, count)
      var values = [Float]()
      try read(range, &values)
      return Self.standardized(values, width)
    }
    let parts = team.map(starts.count) { index, _ in
      let (packed, right) = (PackedMatrix<Float>(), rows[index])
      let columns = right.count / width
      TrainingKernels.fastest.pack(
        right.span, .init(leadingDimension: width, isTransposed: true), depth: width,
        columns: columns, into: packed)
      // Only what is on and below the diagonal: the rest is the same.
      return (index..<starts.count).map { other in
        let left = rows[other]
        var part = [Float](repeating: 0, count: left.count / width * columns)
        TrainingKernels.fastest.multiply(
          rows: left.count / width, left.span, .init(leadingDimension: width),
          packed, into: &part, .init(leadingDimension: columns))
        return part
      }
    }
    var values = [Float](repeating: 0, count: count * count)
    for (index, column) in parts.enumerated() {
      for (offset, part) in column.enumerated() {
        let columns = rows[index].count / width
        for (i, product) in part.enumerated() {
          let (row, other) = (starts[index + offset] + i / columns, starts[index] + i % columns)
          if row <= other { continue }
          let value = min(max(1 - product, 0), 2)
          values[row * count + other] = value
          values[other * count + row] = value
        }
      }
    }
    self.values = values
  }

  private static func standardized(_ values: [Float], _ width: Int) -> [Float] {
    var result = [Float]()
    result.reserveCapacity(values.count)
    for start in stride(from: 0, to: values.count, by: width) {
      var (sum, square) = (0.0, 0.0)
      for j in start..<start + width { sum += Double(values[j]) }
      let mean = sum / Double(width)
      for j in start..<start + width {
        let difference = Double(values[j]) - mean
        square += difference * difference
      }
      let scale = square > 0 ? 1 / square.squareRoot() : 0
      for j in start..<start + width { result.append(Float((Double(values[j]) - mean) * scale)) }
    }
    return result
  }

  /// What lies below the diagonal, row by row.
  package var lower: [Float] {
    (0..<count).flatMap { values[$0 * count..<$0 * count + $0] }
  }

  /// Spearman's correlation between the dissimilarities of two layers, of the same rows: that of their
  /// ranks, equal values having their mean rank. Nil where one side is all alike.
  package static func rankCorrelation(_ a: Dissimilarities, _ b: Dissimilarities) -> Double? {
    precondition(a.count == b.count, "other rows")
    let (left, right) = (ranks(a.lower), ranks(b.lower))
    let mean = Double(left.count + 1) / 2
    var (product, leftSquare, rightSquare) = (0.0, 0.0, 0.0)
    for (x, y) in zip(left, right) {
      product += (x - mean) * (y - mean)
      leftSquare += (x - mean) * (x - mean)
      rightSquare += (y - mean) * (y - mean)
    }
    let size = (leftSquare * rightSquare).squareRoot()
    return size > 0 ? product / size : nil
  }

  /// From 1; equal values share the mean of their places.
  static func ranks(_ values: [Float]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var end = first + 1
      while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
      for place in first..<end { ranks[order[place]] = Double(first + 1 + end) / 2 }
      first = end
    }
    return ranks
  }
}
