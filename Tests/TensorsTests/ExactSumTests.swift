import Tensors
import Testing

@Suite struct ExactSumTests {
  @Test func sumDoesNotDependOnOrderOrGrouping() {
    var generator = SeededGenerator(seed: 3)
    // Twenty orders of magnitude, both signs: ordinary addition would lose the small ones.
    let terms = (0..<1000).map { i in
      Double(generator.normal()) * [1e-10, 1e-3, 1, 1e5, 1e10][i % 5]
    }
    func sum(_ parts: [[Double]]) -> Double {
      var total = ExactSum(count: 1)
      for part in parts {
        var sum = ExactSum(count: 1)
        for term in part { sum.add(term, at: 0) }
        for i in total.limbs.indices { total.limbs[i] += sum.limbs[i] }
      }
      return total.values[0]
    }
    let reference = sum([terms])
    #expect(sum([terms.reversed()]) == reference)
    #expect(sum([Array(terms[..<300]), Array(terms[300...])]) == reference)
    #expect(sum(terms.map { [$0] }) == reference)
    #expect(abs(reference - terms.reduce(0, +)) < 1e-4)
  }

  @Test(arguments: [0, 1, -1, 0.1, -1e-20, 123456.789, -3e23, 0x1p-80])
  func oneTermIsItself(_ term: Double) {
    var sum = ExactSum(count: 2)
    sum.add([term, -term])
    #expect(sum.values[0] == -sum.values[1])
    #expect(abs(sum.values[0] - term) <= max(abs(term) * 0x1p-52, 0x1p-80))
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, 1e30])
  func unusableTermMakesTheSumInfinite(_ term: Double) {
    var sum = ExactSum(count: 2)
    sum.add([term, 1])
    sum.add([1, 1])
    #expect(sum.values == [.infinity, 2])
  }

  @Test func fixedPointSumDoesNotDependOnGrouping() {
    var generator = SeededGenerator(seed: 4)
    let columnBounds = [5.0, 0, 1e-9, 1e6]
    let rowBounds = [100.0, 3]
    let terms: [[Float]] = (0..<50).map { _ in
      (0..<8).map { i in
        Float(columnBounds[i % 4] * rowBounds[i / 4] * (generator.uniform() - 0.5) / 50)
      }
    }
    func sum(_ parts: [[[Float]]]) -> FixedPointSum {
      var total = FixedPointSum(rowCount: 3, columnBounds: columnBounds)
      total.reset(rowBounds: rowBounds)
      for part in parts {
        var sum = total
        sum.reset(rowBounds: rowBounds)
        for term in part {
          sum.add(Array(term[0..<2] + term[4..<6]), rows: 2, columns: 0..<2)
          sum.add(Array(term[2..<4] + term[6..<8]), rows: 2, columns: 2..<4)
        }
        total.add(sum, rows: 2)
      }
      return total
    }
    let reference = sum([terms])
    #expect(sum(terms.map { [$0] }).units == reference.units)
    for row in 0..<2 {
      for column in 0..<4 {
        let exact = terms.reduce(0.0) { $0 + Double($1[row * 4 + column]) }
        let bound = rowBounds[row] * columnBounds[column]
        #expect(abs(reference.value(row: row, column: column) - exact) <= bound * 1e-15)
        #expect(reference.values(row: row)[column] == reference.value(row: row, column: column))
      }
    }
  }
}
