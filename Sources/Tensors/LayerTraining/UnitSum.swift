internal import CKernels

/// Sums of floats in 64-bit units, which have the same bits in whatever order terms are added.
///
/// A term is rounded to a whole number of units before it is added; after that nothing rounds. The unit
/// is a power of two, 2⁻⁵⁰ of the bound of the terms' magnitudes together.
package struct UnitSum: Sendable {
  /// One number in terms of the unit.
  private let scale: Double

  /// - Parameter bound: of the sum of the terms' magnitudes; finite, not negative.
  package init(bound: Double) {
    precondition(bound.isFinite && bound >= 0, "a bound is finite and not negative")
    // |sum| < 2^(exponent + 1), which 2^50 units make, and rounding adds little: the kernels need below
    // 2^51. Terms as small as floats get never need a smaller unit than this.
    let exponent = max(bound == 0 ? -400 : Int(bound.exponent), -400)
    scale = Double(sign: .plus, exponent: 49 - exponent, significand: 1)
  }

  /// Floats that hold the units of so many sums.
  package static func floats(_ count: Int) -> Int { 2 * count }

  /// Adds a term to each of the sums, whose units are zero at first.
  package func add(_ terms: BufferPart, to units: BufferPart, _ kernels: LayerKernels) {
    precondition(units.count == Self.floats(terms.count), "sums of another count")
    kernels.table.pointee.layers.add_units(terms.base, scale, terms.count, units.units)
  }

  /// The sums, each rounded once.
  package func read(_ units: BufferPart, into sums: BufferPart, _ kernels: LayerKernels) {
    precondition(units.count == Self.floats(sums.count), "sums of another count")
    kernels.table.pointee.layers.read_units(units.units, 1 / scale, sums.count, sums.base)
  }
}

extension BufferPart {
  /// The same memory as integers of 64 bits.
  var units: UnsafeMutablePointer<Int64> {
    precondition(start % 2 == 0, "integers that are not aligned")
    return UnsafeMutableRawPointer(base).assumingMemoryBound(to: Int64.self)
  }
}
