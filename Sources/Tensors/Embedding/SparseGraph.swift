/// Weighted edges between points, by the point where they begin.
package struct SparseGraph: Sendable {
  /// `count + 1` numbers: edges of point i are those of index `starts[i]..<starts[i + 1]`.
  package let starts: [UInt64]
  /// Where each edge ends, ascending for each point.
  package let columns: [UInt32]
  package let weights: [Float]

  package var count: Int { starts.count - 1 }

  /// - Precondition: the edges fit together, and end at one of the points.
  package init(starts: [UInt64], columns: [UInt32], weights: [Float]) {
    precondition(!starts.isEmpty && starts[0] == 0 && starts.last! == UInt64(columns.count))
    precondition(zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }, "starts descend")
    precondition(weights.count == columns.count, "a weight for each edge")
    let count = UInt32(starts.count - 1)
    precondition(columns.allSatisfy { $0 < count }, "an edge that ends nowhere")
    self.starts = starts
    self.columns = columns
    self.weights = weights
  }
}
