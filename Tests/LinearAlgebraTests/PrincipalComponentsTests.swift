import Tensors
import Testing

@testable import LinearAlgebra

@Suite struct PrincipalComponentsTests {
  /// Rows of a covariance whose leading directions are known: three orthogonal ones, scaled.
  private static func rows(_ count: Int, width: Int, scales: [Double]) -> [Double] {
    var generator = SeededGenerator(seed: 4)
    return (0..<count).flatMap { _ in
      (0..<width).map { j in
        7 + (j < scales.count ? scales[j] : 0.01) * Double(generator.normal())
      }
    }
  }

  /// By singular values where a side is short; else by eigenvalues of either product.
  @Test(arguments: [(400, 30), (20, 600), (420, 300), (300, 420)])
  func leadingDirectionsAreFound(count: Int, width: Int) throws {
    let rows = Self.rows(count, width: width, scales: [1, 5, 3])
    let found = try PrincipalComponents(
      rows, width: width, count: 2, team: ThreadTeam(threadCount: 1))
    #expect(found.count == 2 && found.shares[0] > found.shares[1])
    // The coordinates vary as much as the columns that they come from, and more.
    func square(_ values: [Double]) -> Double {
      let mean = values.reduce(0, +) / Double(values.count)
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    let total = (0..<width).reduce(0) { sum, j in
      sum + square((0..<count).map { rows[$0 * width + j] })
    }
    for (i, column) in [1, 2].enumerated() {
      let along = square((0..<count).map { found.coordinates[$0 * 2 + i] })
      #expect(abs(along / total - found.shares[i]) < 1e-9)
      if i == 0 {
        #expect(along >= square((0..<count).map { rows[$0 * width + column] }) * (1 - 1e-9))
      }
    }
    // Coordinates along different directions are not correlated.
    let product = (0..<count).reduce(0) {
      $0 + found.coordinates[$1 * 2] * found.coordinates[$1 * 2 + 1]
    }
    #expect(abs(product) < 1e-6 * total)
  }

  @Test func threadsDoNotChangeABit() throws {
    let rows = Self.rows(700, width: 300, scales: [2, 1.9, 1.8])
    let one = try PrincipalComponents(rows, width: 300, count: 2, team: ThreadTeam(threadCount: 1))
    let three = try PrincipalComponents(
      rows, width: 300, count: 2, team: ThreadTeam(threadCount: 3))
    #expect(one.coordinates == three.coordinates && one.shares == three.shares)
  }

  @Test func fewDirectionsAreAllThereAre() throws {
    let team = ThreadTeam(threadCount: 1)
    #expect(try PrincipalComponents([1, 2, 1, 2], width: 2, count: 2, team: team).count == 0)
    let line = try PrincipalComponents([0, 0, 1, 2, 2, 4], width: 2, count: 2, team: team)
    #expect(line.count == 1 && abs(line.shares[0] - 1) < 1e-12)
    let step = 5.0.squareRoot()
    for (found, expected) in zip(line.coordinates, [-step, 0, step]) {
      #expect(abs(found - expected) < 1e-12)
    }
  }
}
