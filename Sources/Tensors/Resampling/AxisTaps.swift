/// How the pixels of an axis are weighted when it is resized by a triangle filter.
struct AxisTaps {
  /// The pixels that new pixel number i, counted from the first wanted, is made of.
  private(set) var ranges: [Range<Int>] = []
  /// Their weights, one new pixel after the other.
  private(set) var weights: [Float] = []
  /// Where each new pixel's weights begin.
  private(set) var starts: [Int] = []
  /// What the weights lack to 1: the share of what lies beyond the axis.
  private(set) var outside: [Float] = []

  /// - Parameters:
  ///   - count: pixels that the stretch becomes.
  ///   - wanted: those of them that are computed.
  ///   - antialias: each new pixel is the mean of what it covers, as in Pillow's `resize`, where there are
  ///     fewer new pixels than old ones; else it is interpolated between two.
  ///   - extendsEdge: pixels beyond the axis are like its last; else `outside` tells their share.
  init(_ part: AxisPart, count: Int, wanted: Range<Int>, antialias: Bool, extendsEdge: Bool) {
    let step = part.length / Double(count)
    // Pillow, `precompute_coeffs` in Resample.c: the filter is stretched when pixels become fewer.
    let support = antialias ? max(step, 1) : 1
    for i in wanted {
      let center = part.start + (Double(i) + 0.5) * step
      let lowest = Int((center - support + 0.5).rounded(.down))
      let end = Int((center + support + 0.5).rounded(.down))
      var all = 0.0
      var inside: [Double] = []
      let range = min(max(lowest, 0), part.pixels.count - 1)..<max(1, min(end, part.pixels.count))
      for x in lowest..<end {
        let weight = max(0, 1 - abs((Double(x) - center + 0.5) / support))
        all += weight
        if range.contains(x) { inside.append(weight) }
      }
      // Between the centre and the edge of the outermost pixel nothing else has any weight.
      let sum = inside.reduce(0, +)
      let divisor = extendsEdge ? sum : all
      starts.append(weights.count)
      weights += inside.map { Float($0 / divisor) }
      outside.append(extendsEdge ? 0 : Float((all - sum) / all))
      let first = part.pixels.lowerBound
      ranges.append(first + range.lowerBound..<first + range.upperBound)
    }
  }
}
