import Tensors
import Testing

@testable import LinearAlgebra

@Suite struct StreamedComponentsTests {
  static func rows(_ count: Int, width: Int) -> [Float] {
    var generator = SeededGenerator(seed: 4)
    return (0..<count).flatMap { _ in
      (0..<width).map { j in 3 + 8 / Float(1 + j) * generator.normal() }
    }
  }

  static func found(
    _ rows: [Float], width: Int, count: Int, threads: Int = 2
  ) throws -> StreamedComponents {
    try StreamedComponents(
      rowCount: rows.count / width, width: width, count: count, seed: 1,
      team: ThreadTeam(threadCount: threads)
    ) { range, values in
      values += rows[range.lowerBound * width..<range.upperBound * width]
    }
  }

  /// Single precision: 1e-4 of the largest.
  @Test(arguments: [(900, 40, 5), (30, 300, 4), (700, 300, 3)])
  func theyAreThoseOfAllRowsAtOnce(count: Int, width: Int, wanted: Int) throws {
    let rows = Self.rows(count, width: width)
    let streamed = try Self.found(rows, width: width, count: wanted)
    let whole = try PrincipalComponents(
      rows.map { Double($0) }, width: width, count: wanted, team: ThreadTeam(threadCount: 1))
    #expect(streamed.count == wanted)
    let largest = whole.coordinates.map(abs).max()!
    for k in 0..<wanted {
      #expect(abs(streamed.shares[k] - whole.shares[k]) < 1e-3 * whole.shares[k])
      // Signs are free.
      let product = (0..<count).reduce(0) {
        $0 + Double(streamed.coordinates[$1 * wanted + k]) * whole.coordinates[$1 * wanted + k]
      }
      if k > 1 { continue }
      for i in 0..<count {
        let value = Double(streamed.coordinates[i * wanted + k]) * (product < 0 ? -1 : 1)
        #expect(abs(value - whole.coordinates[i * wanted + k]) < 2e-3 * largest)
      }
    }
  }

  @Test func threadsDoNotChangeABit() throws {
    let rows = Self.rows(3000, width: 70)
    let one = try Self.found(rows, width: 70, count: 5, threads: 1)
    let three = try Self.found(rows, width: 70, count: 5, threads: 3)
    #expect(one.coordinates == three.coordinates && one.shares == three.shares)
  }

  @Test func fewDirectionsAreAllThereAre() throws {
    #expect(try Self.found([1, 2, 1, 2], width: 2, count: 2).count == 0)
    #expect(try Self.found([0, 0, 0], width: 3, count: 2).count == 0)
    let line = try Self.found([0, 0, 1, 2, 2, 4], width: 2, count: 2)
    #expect(line.count == 1 && abs(line.shares[0] - 1) < 1e-5)
  }
}
