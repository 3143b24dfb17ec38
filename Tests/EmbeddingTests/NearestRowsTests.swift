import Tensors
import Testing

@testable import Embedding

@Suite struct NearestRowsTests {
  static func found(
    _ rows: [Float], width: Int, queries: [Int], count: Int, threads: Int
  ) throws -> NearestRows {
    try NearestRows(
      of: queries, count: rows.count / width, width: width, size: count,
      team: ThreadTeam(threadCount: threads)
    ) { $1 += rows[$0.lowerBound * width..<$0.upperBound * width] }
  }

  /// The slow twin: all distances by their definition, sorted.
  @Test(arguments: [(300, 17), (1500, 4), (1, 3), (5, 1)], [1, 3])
  func theyAreTheNearest(size: (rows: Int, width: Int), threads: Int) throws {
    let (count, width) = size
    let rows = clusteredRows(count, width: width, clusters: 4)
    let queries = [0, count / 2, count - 1]
    let found = try Self.found(rows, width: width, queries: queries, count: 7, threads: threads)
    for (query, list) in zip(queries, found.lists) {
      let all = (0..<count).filter { $0 != query }.map { row -> (distance: Double, row: Int) in
        let square = (0..<width).reduce(0.0) { sum, j in
          let difference = Double(rows[query * width + j]) - Double(rows[row * width + j])
          return sum + difference * difference
        }
        return (square.squareRoot(), row)
      }.sorted { ($0.distance, $0.row) < ($1.distance, $1.row) }.prefix(7)
      #expect(list.map(\.index) == all.map(\.row))
      // Sums in another order: the last bits of a double.
      #expect(
        zip(list, all).allSatisfy { abs($0.distance - $1.distance) <= 1e-12 * (1 + $1.distance) })
    }
  }

  @Test func equalDistancesComeInOrder() throws {
    let found = try Self.found(
      [Float](repeating: 1, count: 900), width: 1, queries: [5], count: 4, threads: 2)
    #expect(found.lists == [(0..<4).map { NearestRows.Neighbor(index: $0, distance: 0) }])
  }
}
