package import FeatureStore
package import Files
package import Tensors

/// Some rows of a layer of a store, in an order of their own.
package struct FeatureRows: Sendable {
  package let layer: StoredLayer
  /// Rows of the store, ascending.
  package let rows: [Int]
  private let path: String
  private let isNormalized: Bool
  /// What has taken the place of the layer's values; nil for nothing.
  private var projection: RandomProjection?

  /// Values of a row.
  package var width: Int { projection?.width ?? layer.width }

  /// - Parameters:
  ///   - path: of the store, for messages.
  ///   - isNormalized: whether each row is scaled to length 1; one of zeros stays as it is.
  package init(_ layer: StoredLayer, rows: [Int], path: String, isNormalized: Bool) {
    (self.layer, self.rows, self.path, self.isNormalized) = (layer, rows, path, isNormalized)
  }

  /// The same rows by their projection to `width` random directions; of fewer values as they are.
  ///
  /// - Throws: `EmbeddingError.notFinite`.
  package func projected(to width: Int, seed: UInt64, team: ThreadTeam) throws -> FeatureRows {
    if width >= self.width { return self }
    var result = self
    result.projection = try RandomProjection(
      count: rows.count, depth: self.width, to: width, seed: seed, team: team
    ) { try append($0, to: &$1) }
    return result
  }

  /// Appends the values of some of the rows.
  ///
  /// - Throws: `EmbeddingError.notFinite`.
  package func append(_ range: Range<Int>, to values: inout [Float]) throws {
    if let projection {
      values += projection.values[range.lowerBound * width..<range.upperBound * width]
      return
    }
    var next = range.lowerBound
    while next < range.upperBound {
      // Rows that lie side by side are read together.
      var end = next + 1
      while end < range.upperBound, rows[end] == rows[end - 1] + 1 { end += 1 }
      let start = values.count
      layer.append(rows[next]..<rows[end - 1] + 1, to: &values)
      for row in next..<end {
        let place = start + (row - next) * width
        try finish(&values, place..<place + width, row: rows[row])
      }
      next = end
    }
  }

  private func finish(_ values: inout [Float], _ range: Range<Int>, row: Int) throws {
    let square = VectorOperations.squaredNorm(values.span.extracting(range))
    guard square.isFinite else { throw EmbeddingError.notFinite(path: path, row: row) }
    if !isNormalized || square == 0 { return }
    let scale = Float(1 / square.squareRoot())
    for j in range { values[j] *= scale }
  }
}

/// Why rows cannot be laid out.
package enum EmbeddingError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case noRows(path: String)
  case noVariation(path: String)
  case notFinite(path: String, row: Int)

  package var description: String {
    switch self {
    case .noRows(let path): "cannot lay out \(path): every row failed"
    case .noVariation(let path): "cannot lay out \(path): all rows are the same"
    case .notFinite(let path, let row):
      "cannot lay out \(path): row \(row) holds infinite values; `decaf verify` tells more"
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}
