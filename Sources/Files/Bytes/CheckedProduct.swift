extension Sequence<Int> {
  /// The product of `factor` and all elements, for shapes that a file gives; nil when it, or the
  /// product of any of them, is beyond `limit`, or an element is negative.
  ///
  /// An axis of zero counts as one in the check: `(0, 2⁴⁰, 2⁴⁰)` has no element, but a row of it would
  /// have more than an integer holds.
  package func product(times factor: Int = 1, limit: Int = 1 << 60) -> Int? {
    var (product, largest) = (factor, Swift.max(factor, 1))
    for axis in self {
      let (next, isTooLarge) = largest.multipliedReportingOverflow(by: Swift.max(axis, 1))
      if axis < 0 || isTooLarge || next > limit { return nil }
      largest = next
      // At most `largest`, which was just checked.
      product *= axis
    }
    return product
  }
}
