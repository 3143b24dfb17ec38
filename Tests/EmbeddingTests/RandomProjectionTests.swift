import Files
import Tensors
import Testing

@testable import Embedding

@Suite struct RandomProjectionTests {
  /// Directions do not depend on rows: sums of rows become sums of projections, distances stay nearly.
  @Test func distancesStayNearly() throws {
    let (count, width) = (150, 3000)
    let rows = clusteredRows(count, width: width, clusters: 5)
    let found = try Self.projected(rows, width: width, to: 400, threads: 2)
    #expect(found.count == count * 400)
    func square(_ values: [Float], _ width: Int, _ i: Int, _ j: Int) -> Double {
      var sum = 0.0
      for k in 0..<width {
        let difference = Double(values[i * width + k]) - Double(values[j * width + k])
        sum += difference * difference
      }
      return sum
    }
    for i in stride(from: 0, to: count - 1, by: 11) {
      let ratio = square(found, 400, i, i + 1) / square(rows, width, i, i + 1)
      // The deviation of the ratio is √(2 / 400), 0.07.
      #expect(abs(ratio - 1) < 0.35, "rows \(i), \(i + 1)")
    }
  }

  @Test func threadsAndOtherRowsDoNotShow() throws {
    let (count, width) = (300, 1500)
    let rows = clusteredRows(count, width: width, clusters: 3)
    let found = try Self.projected(rows, width: width, to: 17, threads: 1)
    #expect(try Self.projected(rows, width: width, to: 17, threads: 3) == found)
    let first = try Self.projected(Array(rows[..<(140 * width)]), width: width, to: 17, threads: 1)
    #expect(first == Array(found[..<(140 * 17)]))
    #expect(try Self.projected(rows, width: width, to: 17, threads: 1, seed: 2) != found)
  }

  private static func projected(
    _ rows: [Float], width: Int, to target: Int, threads: Int, seed: UInt64 = 1
  ) throws -> [Float] {
    try RandomProjection(
      count: rows.count / width, depth: width, to: target, seed: seed,
      team: ThreadTeam(threadCount: threads)
    ) { $1 += rows[$0.lowerBound * width..<$0.upperBound * width] }.values
  }
}
