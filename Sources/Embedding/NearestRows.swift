package import Tensors

/// The rows nearest to a few rows, found in one pass over all: memory does not grow with their number.
///
/// Squared distances are sums in double precision, in one order; rows at the same distance come in
/// theirs. Threads do not show.
package struct NearestRows: Sendable {
  package struct Neighbor: Sendable, Equatable {
    /// Index among the rows.
    package let index: Int
    /// Euclidean.
    package let distance: Double
  }

  /// By query, the nearest first; fewer than asked for where there are no more rows.
  package let lists: [[Neighbor]]

  private static let block = 256

  /// - Parameters:
  ///   - queries: indices of rows.
  ///   - count, width: of all rows.
  ///   - size: neighbours of a query, without itself.
  ///   - progress: called with blocks done and blocks in all.
  ///   - read: appends the values of some rows, on any thread.
  /// - Throws: what `read` throws.
  package init(
    of queries: [Int], count: Int, width: Int, size: Int, team: ThreadTeam,
    progress: (Int, Int) -> Void = { _, _ in },
    read: @Sendable (Range<Int>, inout [Float]) throws -> Void
  ) throws {
    var asked: [Float] = []
    for query in queries { try read(query..<query + 1, &asked) }
    let starts = Array(stride(from: 0, to: count, by: Self.block))
    var found = [[(square: Double, index: Int)]](repeating: [], count: queries.count)
    // A few blocks at a time, so that no more of them are in memory.
    for wave in stride(from: 0, to: starts.count, by: team.threadCount) {
      progress(wave, starts.count)
      let own = starts[wave..<min(wave + team.threadCount, starts.count)]
      let parts = try team.throwingMap(own.count) { [asked] i, _ in
        let start = own[own.startIndex + i]
        let range = start..<min(start + Self.block, count)
        var values: [Float] = []
        try read(range, &values)
        return queries.indices.map { query in
          range.map { row in
            (
              square: Self.square(
                asked.span.extracting(query * width..<(query + 1) * width),
                values.span.extracting((row - start) * width..<(row - start + 1) * width)),
              index: row
            )
          }
        }
      }
      for part in parts {
        for (query, candidates) in part.enumerated() {
          found[query] += candidates.filter { $0.index != queries[query] }
          found[query].sort { ($0.square, $0.index) < ($1.square, $1.index) }
          found[query].removeLast(max(0, found[query].count - size))
        }
      }
    }
    lists = found.map { $0.map { Neighbor(index: $0.index, distance: $0.square.squareRoot()) } }
  }

  /// Four sums, for one would wait for each addition.
  private static func square(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
    var j = 0
    while j + 4 <= a.count {
      let d0 = Double(a[j]) - Double(b[j])
      let d1 = Double(a[j + 1]) - Double(b[j + 1])
      let d2 = Double(a[j + 2]) - Double(b[j + 2])
      let d3 = Double(a[j + 3]) - Double(b[j + 3])
      s0 += d0 * d0
      s1 += d1 * d1
      s2 += d2 * d2
      s3 += d3 * d3
      j += 4
    }
    while j < a.count {
      let d = Double(a[j]) - Double(b[j])
      s0 += d * d
      j += 1
    }
    return (s0 + s1) + (s2 + s3)
  }
}
