import Tensors
import Testing

@testable import Embedding

@Suite struct DissimilaritiesTests {
  static func found(_ rows: [Float], width: Int, threads: Int = 2) throws -> Dissimilarities {
    try Dissimilarities(
      count: rows.count / width, width: width, team: ThreadTeam(threadCount: threads)
    ) { $1 += rows[$0.lowerBound * width..<$0.upperBound * width] }
  }

  /// 1 less Pearson's correlation, by its definition; single precision leaves 1e-5.
  @Test func theyAreOneLessTheCorrelation() throws {
    let (count, width) = (300, 17)
    let rows = clusteredRows(count, width: width, clusters: 4)
    let found = try Self.found(rows, width: width)
    func row(_ i: Int) -> [Double] { rows[i * width..<(i + 1) * width].map { Double($0) } }
    for (i, j) in [(0, 1), (7, 299), (270, 3), (299, 298)] {
      let (a, b) = (row(i), row(j))
      let (meanA, meanB) = (a.reduce(0, +) / Double(width), b.reduce(0, +) / Double(width))
      func sum(_ f: (Double, Double) -> Double) -> Double {
        zip(a, b).reduce(0) { $0 + f($1.0 - meanA, $1.1 - meanB) }
      }
      let correlation = sum { $0 * $1 } / (sum { x, _ in x * x } * sum { $1 * $1 }).squareRoot()
      #expect(abs(Double(found.values[i * count + j]) - (1 - correlation)) < 1e-5)
      #expect(found.values[i * count + j] == found.values[j * count + i])
    }
    #expect((0..<count).allSatisfy { found.values[$0 * count + $0] == 0 })
    #expect(try Self.found(rows, width: width, threads: 5).values == found.values)
  }

  @Test func ranksShareTheMeanOfTheirPlaces() {
    #expect(Dissimilarities.ranks([3, 1, 3, 2]) == [3.5, 1, 3.5, 2])
    #expect(Dissimilarities.ranks([]) == [])
  }

  @Test func correlationIsOneOfAMonotoneChangeAndNoneOfConstants() throws {
    let rows = clusteredRows(40, width: 9, clusters: 4)
    let a = try Self.found(rows, width: 9)
    #expect(
      Dissimilarities.rankCorrelation(a, try Self.found(rows.map { 2 * $0 + 1 }, width: 9))! > 0.999
    )
    let other = try Self.found(clusteredRows(40, width: 9, clusters: 40, seed: 9), width: 9)
    #expect(abs(Dissimilarities.rankCorrelation(a, other)!) < 0.3)
    let alike = try Self.found([Float](repeating: 1, count: 360), width: 9)
    #expect(Dissimilarities.rankCorrelation(a, alike) == nil)
  }
}
