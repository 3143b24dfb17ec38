internal import CKernels

/// A sum of matrices in 64-bit fixed point: exact, so the order of the terms leaves no trace.
///
/// Element (row, column) counts in units of `2^(rowExponents[row] + columnExponents[column])`. A
/// term is cut to that unit (towards zero) before it is added; after that nothing rounds. The caller
/// knows, before summing, a bound of the sum of the terms' magnitudes for each element, as a product
/// of a row and a column factor; `exponent(bound:)` turns factors into exponents such that sums
/// cannot overflow and keep 60 bits of the bound.
package struct FixedPointSum: Sendable {
  package let rowCount: Int
  package let columnCount: Int
  /// Units summed so far, row-major; `allreduce` over ranks as integers.
  package var units: [Int64]
  /// Whether a term was not a number, or so far above its bound that its units were out of reach: it
  /// was left out, and the sum is worth nothing.
  package private(set) var isSaturated = false
  private var rowExponents: [Int]
  private let columnExponents: [Int]
  /// The same, for loops that are to be vectorized.
  private let narrowColumnExponents: [Int32]
  /// `2^-exponent` and `2^exponent` of each column.
  private let columnScales: [Double]
  private let columnUnits: [Double]

  /// - Parameter columnBounds: for each column, its factor of the bound; finite, not negative.
  package init(rowCount: Int, columnBounds: [Double]) {
    self.rowCount = rowCount
    columnCount = columnBounds.count
    units = [Int64](repeating: 0, count: rowCount * columnCount)
    rowExponents = [Int](repeating: 0, count: rowCount)
    columnExponents = columnBounds.map(Self.exponent(bound:))
    narrowColumnExponents = columnExponents.map(Int32.init)
    columnScales = columnExponents.map { Self.power(-$0) }
    columnUnits = columnExponents.map { Self.power($0) }
  }

  /// Starts a new sum over the first `rowBounds.count` rows.
  ///
  /// - Parameter rowBounds: for each row, its factor of the bound; finite, not negative.
  package mutating func reset(rowBounds: [Double]) {
    precondition(rowBounds.count <= rowCount, "more rows than there is room for")
    // A row's factor is at most 2^e, a column's 2^f, so the terms' magnitudes sum up to 2^(e + f) at
    // most: 2^61 units of 2^(e − 61 + f). Int64 has room for 2^63; what is left absorbs the rounding of
    // the terms and of the bounds themselves. Cutting towards zero never makes a magnitude larger.
    for (row, bound) in rowBounds.enumerated() {
      rowExponents[row] = Self.exponent(bound: bound) - 61
    }
    isSaturated = false
    let used = rowBounds.count * columnCount
    units.withUnsafeMutableBufferPointer { units in
      for i in 0..<used { units[i] = 0 }
    }
  }

  /// Adds a term to `rows×columns` of the sum.
  ///
  /// After one that is not within the announced bounds the sum `isSaturated` for good.
  ///
  /// - Parameter term: row-major, as wide as `columns`.
  package mutating func add(_ term: [Float], rows: Int, columns: Range<Int>) {
    precondition(term.count >= rows * columns.count && columns.upperBound <= columnCount)
    precondition(rows <= rowCount && columns.lowerBound >= 0)
    let width = columns.count
    if rows == 0 || width == 0 { return }
    let add = TrainingKernels.fastest.table.pointee.add_fixed_f32!
    let fits = term.withUnsafeBufferPointer { term in
      narrowColumnExponents.withUnsafeBufferPointer { exponents in
        units.withUnsafeMutableBufferPointer { units in
          var fits: Int32 = 1
          for row in 0..<rows {
            fits &= add(
              term.baseAddress! + row * width, Int32(rowExponents[row]),
              exponents.baseAddress! + columns.lowerBound, width,
              units.baseAddress! + row * columnCount + columns.lowerBound)
          }
          return fits
        }
      }
    }
    if fits == 0 { isSaturated = true }
  }

  /// Adds a term in double precision; see the single one.
  package mutating func add(_ term: [Double], rows: Int, columns: Range<Int>) {
    precondition(term.count >= rows * columns.count && columns.upperBound <= columnCount)
    for row in 0..<rows { add(term, from: row * columns.count, row: row, columns: columns) }
  }

  /// Adds a term to one whole row of the sum.
  package mutating func add(_ term: [Double], row: Int) {
    precondition(term.count == columnCount && row >= 0 && row < rowCount)
    add(term, from: 0, row: row, columns: 0..<columnCount)
  }

  private mutating func add(_ term: [Double], from source: Int, row: Int, columns: Range<Int>) {
    var fits = true
    let scale = Self.power(-rowExponents[row])
    let target = row * columnCount + columns.lowerBound
    term.withUnsafeBufferPointer { term in
      columnScales.withUnsafeBufferPointer { scales in
        units.withUnsafeMutableBufferPointer { units in
          for j in 0..<columns.count {
            // Multiplying by powers of two is exact; the conversion would trap beyond 2^63.
            let value = term[source + j] * scale * scales[columns.lowerBound + j]
            if abs(value) < Self.unitLimit {
              units[target + j] &+= Int64(value)
            } else {
              fits = false
            }
          }
        }
      }
    }
    if !fits { isSaturated = true }
  }

  /// Units of a term or a sum that cannot be: its bound is 2^61 of them, and rounding adds little.
  private static let unitLimit = power(unitLimitExponent)
  private static let unitLimitExponent = 62

  /// Adds what another thread summed with the same bounds.
  package mutating func add(_ other: FixedPointSum, rows: Int) {
    precondition(other.columnCount == columnCount && rows <= min(rowCount, other.rowCount))
    units.withUnsafeMutableBufferPointer { units in
      other.units.withUnsafeBufferPointer { other in
        for i in 0..<rows * columnCount { units[i] &+= other[i] }
      }
    }
    if other.isSaturated { isSaturated = true }
  }

  /// Replaces the first rows by what a reduction made of them.
  package mutating func replaceUnits(_ reduced: [Int64]) {
    precondition(reduced.count <= units.count)
    units.replaceSubrange(0..<reduced.count, with: reduced)
  }

  /// Whether the sums of the first rows can be what their terms add up to.
  package func isWithinBounds(rows: Int) -> Bool {
    if isSaturated { return false }
    return units.withUnsafeBufferPointer { units in
      var bits: UInt64 = 0
      for i in 0..<rows * columnCount { bits |= units[i].magnitude }
      return bits < 1 << Self.unitLimitExponent
    }
  }

  /// The sum at one element, rounded to double precision once.
  package func value(row: Int, column: Int) -> Double {
    Double(units[row * columnCount + column])
      * Self.power(rowExponents[row]) * Self.power(columnExponents[column])
  }

  /// The sums of one row.
  package func values(row: Int) -> [Double] {
    let (scale, first) = (Self.power(rowExponents[row]), row * columnCount)
    return units.withUnsafeBufferPointer { units in
      columnUnits.withUnsafeBufferPointer { columns in
        [Double](unsafeUninitializedCapacity: columnCount) { values, count in
          for j in 0..<columns.count { values[j] = Double(units[first + j]) * scale * columns[j] }
          count = columns.count
        }
      }
    }
  }

  /// The smallest e with `bound ≤ 2^e`; for zero an exponent that keeps tiny terms harmless.
  private static func exponent(bound: Double) -> Int {
    precondition(bound >= 0 && bound.isFinite, "a bound is finite and not negative")
    if bound == 0 { return 0 }
    return bound.exponent.advanced(by: bound.significand == 1 ? 0 : 1).clamped(to: -400...400)
  }

  private static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }
}

extension Comparable {
  /// The nearest value of `range`.
  fileprivate func clamped(to range: ClosedRange<Self>) -> Self {
    min(max(self, range.lowerBound), range.upperBound)
  }
}
