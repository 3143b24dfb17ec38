import Tensors
import Testing

/// Exact sums at the limits that they promise.
@Suite struct SumBoundTests {
  /// Factors that are powers of two: the bound itself is 2^61 units, the largest sum there can be.
  @Test(arguments: [(4.0, 8.0), (1, 1), (0x1p-30, 0x1p40), (3, 5), (0x1.8p3, 4)])
  func attainedBoundIsExact(row: Double, column: Double) {
    let bound = row * column
    for sign in [1.0, -1] {
      for parts in [1, 4, 1024] {
        var sum = FixedPointSum(rowCount: 2, columnBounds: [1, column])
        sum.reset(rowBounds: [0, row])
        for part in 0..<parts {
          let term = sign * bound / Double(parts)
          if part % 2 == 0 {
            sum.add([0, Float(term)], rows: 2, columns: 1..<2)
          } else {
            sum.add([0, term], rows: 2, columns: 1..<2)
          }
        }
        #expect(sum.isWithinBounds(rows: 2))
        #expect(sum.value(row: 1, column: 1) == sign * bound)
        #expect(sum.values(row: 1)[1] == sign * bound && sum.value(row: 0, column: 1) == 0)
      }
    }
  }

  /// At least 60 bits of the bound are kept: a term of 2^-60 of it is not lost.
  @Test func sixtyBitsOfTheBoundAreKept() {
    for bound in [1.0, 1.5, 1.999] {
      var sum = FixedPointSum(rowCount: 1, columnBounds: [bound])
      sum.reset(rowBounds: [1])
      sum.add([0x1p-60], rows: 1, columns: 0..<1)
      #expect(sum.value(row: 0, column: 0) == 0x1p-60)
    }
  }

  /// By integers what multiplying and cutting gives, for floats of every size, subnormal ones too.
  @Test(arguments: [(1.0, 1.0), (0x1p-80, 0x1p-20), (0x1p40, 3), (1e-30, 1e30), (5, 0x1p-100)])
  func floatsAreCutToUnits(row: Double, column: Double) {
    var generator = SeededGenerator(seed: 3)
    var terms: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude]
    for exponent in -149...127 {
      let term = Float(sign: .plus, exponent: exponent, significand: 1 + Float(generator.uniform()))
      if Double(term) <= row * column { terms += [term, -term] }
    }
    for term in terms {
      var (single, double) = (
        FixedPointSum(rowCount: 1, columnBounds: [column]),
        FixedPointSum(rowCount: 1, columnBounds: [column])
      )
      single.reset(rowBounds: [row])
      double.reset(rowBounds: [row])
      single.add([term], rows: 1, columns: 0..<1)
      double.add([Double(term)], rows: 1, columns: 0..<1)
      #expect(single.units == double.units && !single.isSaturated)
    }
    for term in [Float.infinity, -.infinity, .nan, Float.greatestFiniteMagnitude] {
      var sum = FixedPointSum(rowCount: 1, columnBounds: [column])
      sum.reset(rowBounds: [row])
      sum.add([term], rows: 1, columns: 0..<1)
      #expect(sum.isSaturated)
    }
  }

  /// Sums of several ranks: saturation of a sum shows though no rank's own part is beyond.
  @Test func partsThatExceedTheBoundTogetherAreNoticed() {
    var sum = FixedPointSum(rowCount: 1, columnBounds: [4])
    sum.reset(rowBounds: [8])
    sum.add([Float(32)], rows: 1, columns: 0..<1)
    #expect(sum.isWithinBounds(rows: 1))
    sum.replaceUnits([sum.units[0] * 2])
    #expect(!sum.isWithinBounds(rows: 1))
    sum.replaceUnits([-sum.units[0]])
    #expect(!sum.isWithinBounds(rows: 1))
  }

  /// The largest terms, and as many as the sum promises to hold; their limbs do not overflow.
  @Test(arguments: [0x1.fffffffffffffp319, 0x1.fffffffffffffp-1, 0x1p-320])
  func manyLargestTermsAreExact(_ term: Double) {
    let count = 1 << 22
    for sign in [1.0, -1] {
      var sum = ExactSum(count: 1)
      for _ in 0..<count { sum.add(sign * term, at: 0) }
      #expect(sum.values == [sign * term * Double(count)])
    }
  }

  /// Neighbouring limbs of opposite signs: a carry goes down as well as up.
  @Test func carriesOfEitherSignAreExact() {
    for (a, b) in [(0x1p40, -1.0), (0x1p80, -0x1p40), (1, -0x1p-40), (-0x1p120, 0x1p79)] {
      var sum = ExactSum(count: 2)
      sum.add([a, b])
      sum.add([b, a])
      #expect(sum.values == [a + b, a + b])
      sum.add([-a, -b])
      sum.add([-b, -a])
      #expect(sum.values == [0, 0])
    }
  }
}
