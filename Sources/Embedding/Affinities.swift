internal import Foundation
package import Tensors

/// How near rows are to each other, as t-SNE sees it: `p_ij = (p_j|i + p_i|j) / 2N` over nearest
/// neighbours.
///
/// `p_j|i` falls with the squared distance as `exp(−β_i·d²)`; β_i gives every row the same
/// perplexity, `exp(−Σ p·log p)` (van der Maaten and Hinton, 2008, section 2).
package struct Affinities: Sendable {
  package let graph: SparseGraph

  /// Neighbours looked at for each unit of perplexity (van der Maaten, “Accelerating t-SNE using
  /// tree-based algorithms”, 2014).
  package static let neighborsPerPerplexity = 3

  /// - Parameters:
  ///   - neighborhoods: of all rows, in their order.
  ///   - count: rows.
  package init(
    _ neighborhoods: Neighborhoods, count: Int, perplexity: Double, team: ThreadTeam
  ) {
    let size = neighborhoods.size
    precondition(neighborhoods.indices.count == count * size, "neighbours of all rows")
    let block = 512
    let starts = Array(stride(from: 0, to: count, by: block))
    let conditional = team.map(starts.count) { index, _ in
      (starts[index]..<min(starts[index] + block, count)).flatMap { row in
        Self.conditional(
          Array(neighborhoods.squares[row * size..<(row + 1) * size]), perplexity: perplexity)
      }
    }.flatMap { $0 }
    graph = Self.symmetrized(neighborhoods.indices, conditional, count: count, size: size)
  }

  /// `p_j|i` for the squared distances to a row's neighbours, ascending.
  ///
  /// Where all are at the same distance, or there are fewer than the perplexity, all are alike.
  package static func conditional(_ squares: [Double], perplexity: Double) -> [Double] {
    guard let nearest = squares.first else { return [] }
    let target = log(min(perplexity, Double(squares.count)))
    var (low, high) = (0.0, Double.infinity)
    // Begins where the mean distance is worth one.
    let mean = squares.reduce(0) { $0 + $1 - nearest } / Double(squares.count)
    var beta = mean > 0 ? 1 / mean : 1
    var p = squares
    for _ in 0..<100 {
      var (sum, weighted) = (0.0, 0.0)
      for (j, square) in squares.enumerated() {
        p[j] = exp(-beta * (square - nearest))
        sum += p[j]
        weighted += p[j] * (square - nearest)
      }
      let entropy = log(sum) + beta * weighted / sum
      for j in p.indices { p[j] /= sum }
      if abs(entropy - target) < 1e-6 || beta > 1e150 || beta < 1e-150 { break }
      if entropy > target { low = beta } else { high = beta }
      beta = high == .infinity ? 2 * beta : (low + high) / 2
    }
    return p
  }

  private static func symmetrized(
    _ indices: [UInt32], _ conditional: [Double], count: Int, size: Int
  ) -> SparseGraph {
    // The same edges the other way: by the row where they end, in the order of where they begin.
    var backStarts = [Int](repeating: 0, count: count + 1)
    for index in indices { backStarts[Int(index) + 1] += 1 }
    for i in 0..<count { backStarts[i + 1] += backStarts[i] }
    var places = backStarts
    var back = [(column: UInt32, p: Double)](repeating: (0, 0), count: indices.count)
    for row in 0..<count {
      for e in row * size..<(row + 1) * size {
        let end = Int(indices[e])
        back[places[end]] = (UInt32(row), conditional[e])
        places[end] += 1
      }
    }
    var (starts, columns, weights) = ([UInt64(0)], [UInt32](), [Float]())
    columns.reserveCapacity(2 * indices.count)
    weights.reserveCapacity(2 * indices.count)
    for row in 0..<count {
      var edges = back[backStarts[row]..<backStarts[row + 1]]
      edges += (row * size..<(row + 1) * size).map { (indices[$0], conditional[$0]) }
      edges.sort { $0.column < $1.column }
      var last: UInt32?
      for (column, p) in edges {
        let weight = Float(p / Double(2 * count))
        if column == last {
          weights[weights.count - 1] += weight
        } else {
          columns.append(column)
          weights.append(weight)
          last = column
        }
      }
      starts.append(UInt64(columns.count))
    }
    return SparseGraph(starts: starts, columns: columns, weights: weights)
  }
}
