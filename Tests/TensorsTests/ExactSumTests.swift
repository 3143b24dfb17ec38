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

  @Test(arguments: [
    0, 1, -1, 0.1, -1e-20, 123456.789, -3e23, 0x1p-80, 0x1.23456789abcdep300, -0x1.fffffp-260,
  ])
  func oneTermIsItself(_ term: Double) {
    var sum = ExactSum(count: 2)
    sum.add([term, -term])
    #expect(sum.values[0] == -sum.values[1])
    #expect(abs(sum.values[0] - term) <= abs(term) * 0x1p-52)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, 0x1p320, -1e300])
  func unusableTermMakesTheSumInfinite(_ term: Double) {
    var sum = ExactSum(count: 2)
    sum.add([term, 1])
    sum.add([1, 1])
    #expect(sum.values == [.infinity, 2])
  }

  /// Squares of gradients of huge features: beyond what four limbs held.
  @Test func hugeTermsCancelExactly() {
    var sum = ExactSum(count: 1)
    for term in [0x1p319, 1, -0x1p319, 0x1p-300] { sum.add(term, at: 0) }
    #expect(sum.values == [1])
    sum.add(-1, at: 0)
    #expect(sum.values == [0x1p-300])
  }

  /// A bound that is met exactly is within; what is far above it, or no number, says so.
  @Test func fixedPointSumHoldsItsBoundAndSaysWhereItIsExceeded() {
    let bound = 3.0 * 5
    func sum(_ terms: [Float], _ wide: [Double] = []) -> FixedPointSum {
      var sum = FixedPointSum(rowCount: 1, columnBounds: [5, 0, 1e-30])
      sum.reset(rowBounds: [3])
      for term in terms { sum.add([term], rows: 1, columns: 0..<1) }
      for term in wide { sum.add([term], rows: 1, columns: 0..<1) }
      return sum
    }
    let attained = sum([Float](repeating: Float(bound / 8), count: 4), [bound / 4, bound / 4])
    #expect(attained.isWithinBounds(rows: 1) && attained.value(row: 0, column: 0) == bound)
    let negative = sum([Float(-bound)])
    #expect(negative.isWithinBounds(rows: 1) && negative.value(row: 0, column: 0) == -bound)
    for term in [Float.infinity, -.infinity, .nan, 1e6] {
      #expect(!sum([term]).isWithinBounds(rows: 1), "\(term)")
      #expect(!sum([], [Double(term)]).isWithinBounds(rows: 1), "\(term)")
    }
    // Sums, not terms: each is below the limit, all together are not.
    #expect(!sum([Float](repeating: Float(bound), count: 5)).isWithinBounds(rows: 1))
    var total = attained
    total.add(sum([.nan]), rows: 1)
    #expect(!total.isWithinBounds(rows: 1))
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
