/// Sums of doubles that come out the same whatever the order and the grouping of the terms.
///
/// Each term is split into integers of 40 bits, in units of 2^280, 2^240, … 2^-320, which are summed
/// separately: exact for terms below 2^320, up to a cut at 2^-320, and for up to 2^22 terms. Squares
/// of all that single precision holds are within. Unlike `FixedPointSum` it needs no bound
/// beforehand, for more integers. A larger, infinite or NaN term is counted, and makes the sum
/// infinite.
package struct ExactSum: Sendable {
  package let count: Int
  /// The limbs and a count of unusable terms an element; `allreduce` over ranks as integers.
  package var limbs: [Int64]

  private static let limbBits = 40
  private static let limbCount = 16
  private static let stride = limbCount + 1
  /// The exponent of the first limb's unit; that of the last is its opposite but for a limb.
  private static let highest = 280
  private static let step = power(-limbBits)
  private static let limit = power(highest + limbBits)

  /// `count` sums, all zero.
  package init(count: Int) {
    self.count = count
    limbs = [Int64](repeating: 0, count: count * Self.stride)
  }

  package mutating func add(_ term: Double, at index: Int) {
    if term == 0 { return }
    let base = index * Self.stride
    guard abs(term) < Self.limit else {
      limbs[base + Self.limbCount] += 1
      return
    }
    // The first limb whose unit is not above the term: those before it would get nothing.
    var limb = (Self.highest + Self.limbBits - 1 - Int(term.exponent)) / Self.limbBits
    if limb >= Self.limbCount { return }
    var rest = term
    var unit = Self.power(Self.highest - limb * Self.limbBits)
    while rest != 0 && limb < Self.limbCount {
      // Below 2^40 in magnitude, so 2^22 of them stay below 2^62 and cannot overflow.
      let part = (rest / unit).rounded(.towardZero)
      rest -= part * unit  // exact: part·unit is a leading piece of rest
      limbs[base + limb] += Int64(part)
      unit *= Self.step
      limb += 1
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
      if limbs[base + Self.limbCount] != 0 { return .infinity }
      var limb = limbs[base..<base + Self.limbCount].map { $0 }
      for j in (1..<Self.limbCount).reversed() {
        // Carry, so that each limb but the first fits in a double exactly.
        let carry = (limb[j] + 1 << (Self.limbBits - 1)) >> Self.limbBits
        limb[j] -= carry << Self.limbBits
        limb[j - 1] += carry
      }
      var sum = 0.0
      for j in (0..<Self.limbCount).reversed() where limb[j] != 0 {
        sum += Double(limb[j]) * Self.power(Self.highest - j * Self.limbBits)
      }
      return sum
    }
  }

  private static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }
}
