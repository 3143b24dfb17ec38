/// A set of rows, kept as ascending ranges that neither touch nor overlap.
///
/// Rows come in batches and mostly in order, so there are few ranges however many rows.
struct RowSet: Equatable, Sendable {
  private(set) var ranges: [Range<Int>] = []

  init() {}

  init(_ rows: Range<Int>) { insert(rows) }

  var isEmpty: Bool { ranges.isEmpty }

  var count: Int { ranges.reduce(0) { $0 + $1.count } }

  func contains(_ row: Int) -> Bool { intersects(row..<row + 1) }

  func intersects(_ rows: Range<Int>) -> Bool {
    guard !rows.isEmpty else { return false }
    let i = firstIndex { $0.upperBound > rows.lowerBound }
    return i < ranges.count && ranges[i].lowerBound < rows.upperBound
  }

  mutating func insert(_ rows: Range<Int>) {
    guard !rows.isEmpty else { return }
    // Those that overlap or touch `rows` become one with it.
    let first = firstIndex { $0.upperBound >= rows.lowerBound }
    let end = firstIndex { $0.lowerBound > rows.upperBound }
    var merged = rows
    if first < end {
      merged =
        min(
          rows.lowerBound, ranges[first].lowerBound)..<max(
          rows.upperBound, ranges[end - 1].upperBound)
    }
    ranges.replaceSubrange(first..<end, with: CollectionOfOne(merged))
  }

  mutating func remove(_ rows: Range<Int>) {
    guard !rows.isEmpty else { return }
    let first = firstIndex { $0.upperBound > rows.lowerBound }
    let end = firstIndex { $0.lowerBound >= rows.upperBound }
    guard first < end else { return }
    let left = ranges[first].lowerBound..<max(rows.lowerBound, ranges[first].lowerBound)
    let right = min(rows.upperBound, ranges[end - 1].upperBound)..<ranges[end - 1].upperBound
    ranges.replaceSubrange(first..<end, with: [left, right].filter { !$0.isEmpty })
  }

  /// The rows of `whole` that are not in the set.
  func complement(in whole: Range<Int>) -> RowSet {
    var rest = RowSet(whole)
    for range in ranges { rest.remove(range) }
    return rest
  }

  /// The rows that are in both sets.
  func intersection(_ other: RowSet) -> RowSet {
    var common = self
    guard let first = ranges.first, let last = ranges.last else { return common }
    for gap in other.complement(in: first.lowerBound..<last.upperBound).ranges {
      common.remove(gap)
    }
    return common
  }

  /// The first range for which `holds`, which is false up to some range and true from there on.
  private func firstIndex(where holds: (Range<Int>) -> Bool) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if holds(ranges[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
