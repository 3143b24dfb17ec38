/// Sums of doubles that come out the same whatever the order and the grouping of the terms.
///
/// Each term is split into four integers of 40 bits, in units of 2^40, 1, 2^-40 and 2^-80, which are
/// summed separately: exact for terms below 2^80, up to a cut at 2^-80, and for up to 2^22 terms.
/// Unlike `FixedPointSum` it needs no bound beforehand, for four times the integers. A larger,
/// infinite or NaN term is counted, and makes the sum infinite.
package struct ExactSum: Sendable {
  package let count: Int
  /// Four limbs and a count of unusable terms an element; `allreduce` over ranks as integers.
  package var limbs: [Int64]

  private static let stride = 5
  private static let step = Double(sign: .plus, exponent: -40, significand: 1)
  private static let highest = Double(sign: .plus, exponent: 40, significand: 1)
  private static let limit = Double(sign: .plus, exponent: 80, significand: 1)

  /// `count` sums, all zero.
  package init(count: Int) {
    self.count = count
    limbs = [Int64](repeating: 0, count: count * Self.stride)
  }

  package mutating func add(_ term: Double, at index: Int) {
    let base = index * Self.stride
    guard abs(term) < Self.limit else {
      limbs[base + 4] += 1
      return
    }
    var rest = term
    var unit = Self.highest
    for limb in 0..<4 {
      // Below 2^40 in magnitude, so 2^22 of them stay below 2^62 and cannot overflow.
      let part = (rest / unit).rounded(.towardZero)
      rest -= part * unit  // exact: part·unit is a leading piece of rest
      limbs[base + limb] += Int64(part)
      unit *= Self.step
    }
  }

  /// Adds one term to each sum.
  package mutating func add(_ terms: [Double]) {
    precondition(terms.count == count, "as many terms as sums")
    for (i, term) in terms.enumerated() { add(term, at: i) }
  }

  /// The sums, each a function of the exact sum alone; infinite where a term was unusable.
  package var values: [Double] {
    (0..<count).map { i in
      let base = i * Self.stride
      if limbs[base + 4] != 0 { return .infinity }
      var limb = limbs[base..<base + 4].map { $0 }
      for j in [3, 2, 1] {  // carry, so that each limb but the first fits in a double exactly
        let carry = (limb[j] + 1 << 39) >> 40
        limb[j] -= carry << 40
        limb[j - 1] += carry
      }
      var sum = 0.0
      var unit = Self.highest * Self.step * Self.step * Self.step
      for j in [3, 2, 1, 0] {
        sum += Double(limb[j]) * unit
        unit /= Self.step
      }
      return sum
    }
  }
}
