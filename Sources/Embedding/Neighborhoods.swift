package import Tensors

/// The nearest rows of every row, by distances of all pairs.
///
/// Products of blocks tell which rows are near; distances to those are then made anew in double
/// precision. Rows at the same distance come in their order.
package struct Neighborhoods: Sendable {
  /// Neighbours of a row: fewer than asked for where there are no more rows.
  package let size: Int
  /// `queries×size`: the nearest first.
  package let indices: [UInt32]
  /// `queries×size`: squared distances.
  package let squares: [Double]

  private static let block = 256

  /// - Parameters:
  ///   - rows: `count×width`, row-major, finite.
  ///   - queries: the rows whose neighbours are wanted; nil for all.
  ///   - candidates: the neighbours are among so many rows, the first; nil for all. Queries are then
  ///     the rows after them.
  ///   - size: neighbours wanted.
  ///   - progress: called now and then with how many queries are done, and with how many there are.
  package init(
    of rows: [Float], width: Int, queries: [Int]? = nil, candidates: Int? = nil, size: Int,
    team: ThreadTeam, progress: (Int, Int) -> Void = { _, _ in }
  ) {
    let count = rows.count / width
    precondition(count > 0 && rows.count == count * width && size > 0, "no rows")
    let candidateCount = candidates ?? count
    precondition(
      candidateCount <= count
        && (candidates == nil || queries?.allSatisfy { $0 >= candidateCount } == true),
      "a query among the candidates")
    self.size = candidates.map { min(size, $0) } ?? min(size, count - 1)
    let queries = queries ?? Array(0..<count)
    if self.size == 0 {
      (indices, squares) = ([], [])
      return
    }
    let norms = (0..<count).map { row in
      Float(VectorOperations.squaredNorm(rows.span.extracting(row * width..<(row + 1) * width)))
    }
    let starts = Array(stride(from: 0, to: queries.count, by: Self.block))
    let wanted = self.size
    let panels = Self.panels(rows, width, candidateCount, team)
    var (indices, squares) = ([UInt32](), [Double]())
    indices.reserveCapacity(queries.count * wanted)
    squares.reserveCapacity(queries.count * wanted)
    // Some blocks at a time: what threads bring back takes more memory than what is kept of it.
    let round = 8 * team.threadCount
    for first in stride(from: 0, to: starts.count, by: round) {
      let parts = team.map(min(round, starts.count - first)) { index, _ in
        let start = starts[first + index]
        let part = Array(queries[start..<min(start + Self.block, queries.count)])
        let held = Self.selections(rows, width, norms, part, wanted, panels)
        return zip(part, held).map { query, selection in
          Self.sorted(selection.found, rows, width, query)
        }
      }
      for neighbor in parts.joined().joined() {
        indices.append(neighbor.index)
        squares.append(neighbor.square)
      }
      progress(min(starts[first] + round * Self.block, queries.count), queries.count)
    }
    (self.indices, self.squares) = (indices, squares)
  }

  private typealias Neighbor = (index: UInt32, square: Double)

  private static let panelRows = 1024

  /// The rows as right factors of products, some at a time.
  private static func panels(
    _ rows: [Float], _ width: Int, _ count: Int, _ team: ThreadTeam
  ) -> [PackedMatrix<Float>] {
    let starts = Array(stride(from: 0, to: count, by: panelRows))
    return team.map(starts.count) { index, _ in
      let packed = PackedMatrix<Float>()
      TrainingKernels.fastest.pack(
        rows.span,
        .init(leadingDimension: width, offset: starts[index] * width, isTransposed: true),
        depth: width, columns: min(panelRows, count - starts[index]), into: packed)
      return packed
    }
  }

  private static func selections(
    _ rows: [Float], _ width: Int, _ norms: [Float], _ queries: [Int], _ wanted: Int,
    _ panels: [PackedMatrix<Float>]
  ) -> [NearestSelection] {
    let left = queries.flatMap { rows[$0 * width..<($0 + 1) * width] }
    var held = [NearestSelection](repeating: NearestSelection(wanted), count: queries.count)
    var products = [Float](repeating: 0, count: queries.count * panelRows)
    for (index, panel) in panels.enumerated() {
      let base = index * panelRows
      TrainingKernels.fastest.multiply(
        rows: queries.count, left.span, .init(leadingDimension: width), panel, into: &products,
        .init(leadingDimension: panel.columns))
      for (i, query) in queries.enumerated() {
        held[i].add(
          products, row: i, norms: norms.span.extracting(base..<base + panel.columns), base: base,
          excluding: query)
      }
    }
    return held
  }

  private static func sorted(
    _ found: ArraySlice<UInt32>, _ rows: [Float], _ width: Int, _ query: Int
  ) -> [Neighbor] {
    let own = rows.span.extracting(query * width..<(query + 1) * width)
    let neighbors = found.map { index -> Neighbor in
      let start = Int(index) * width
      return (index, squaredDistance(own, rows.span.extracting(start..<start + width)))
    }
    return neighbors.sorted { ($0.square, $0.index) < ($1.square, $1.index) }
  }

  private static func squaredDistance(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    var sum = 0.0
    for j in 0..<a.count {
      let difference = Double(a[j]) - Double(b[j])
      sum += difference * difference
    }
    return sum
  }
}
