internal import Communication
internal import Tensors

extension FixedPointSum {
  /// Replaces the sums of the first rows by those over all ranks. Collective.
  ///
  /// - Returns: whether all terms were within the bounds that were announced, on every rank.
  mutating func reduce(rows: Int, over communicator: any Communicator) throws -> Bool {
    if communicator.size == 1 { return isWithinBounds(rows: rows) }
    // One number more tells all ranks what one of them met.
    var units = Array(self.units[..<(rows * columnCount)]) + [isSaturated ? 1 : 0]
    try communicator.allreduce(&units, .sum)
    let isSaturated = units.removeLast() != 0
    replaceUnits(units)
    return !isSaturated && isWithinBounds(rows: rows)
  }
}
