internal import CKernels

/// Sums of floats over blocks and ranks, two in each 64-bit integer: of the same bits in any order, at
/// the traffic of floats.
///
/// A term is rounded to a whole number of units before it is added; after that nothing rounds. The unit
/// is a power of two, so small that of `termCount` terms up to the largest magnitude none overflows
/// 31 bits: for 16 blocks 2⁻²⁶ of the largest.
package struct PairSum: Sendable {
  /// One number in terms of the unit.
  private let scale: Double

  /// - Parameters:
  ///   - largest: the largest magnitude of a term, over all ranks; finite.
  ///   - termCount: terms of a sum, at most, over all ranks.
  package init(largest: Float, termCount: Int) {
    precondition(largest.isFinite && largest >= 0 && termCount > 0)
    // |term| < 2^(exponent + 1), so termCount of them, with half a unit each from rounding, stay below
    // 2^30 + termCount / 2.
    let exponent = largest == 0 ? 0 : Int(largest.exponent) + 1
    let headroom = Int.bitWidth - (termCount - 1).leadingZeroBitCount
    scale = Double(sign: .plus, exponent: 30 - exponent - headroom, significand: 1)
  }

  /// Floats that hold the units of so many sums.
  package static func floats(_ count: Int) -> Int { (count + 1) / 2 * 2 }

  /// Adds a term to each of the sums; units are zero at first, and added over ranks as 64-bit integers.
  package func add(_ terms: BufferPart, to units: BufferPart, _ kernels: LayerKernels) {
    precondition(units.count == Self.floats(terms.count), "sums of another count")
    kernels.table.pointee.layers.add_pairs(terms.base, scale, terms.count, units.units)
  }

  /// The sums, each rounded once.
  package func read(_ units: BufferPart, into sums: BufferPart, _ kernels: LayerKernels) {
    precondition(units.count == Self.floats(sums.count), "sums of another count")
    kernels.table.pointee.layers.read_pairs(units.units, 1 / scale, sums.count, sums.base)
  }
}
