/// The rows still to extract, cut into batches on demand.
///
/// A value that knows nothing of ranks. How the rows are cut shows in no byte of the store.
package struct WorkQueue: Sendable {
  /// Rows of one batch, and whether an earlier run died with them in flight.
  package struct Assignment: Equatable, Sendable {
    package let rows: Range<Int>
    package let isSuspect: Bool
  }

  private var unfinished: ArraySlice<Range<Int>>
  private let suspects: [Range<Int>]
  package let batchSize: Int
  /// Rows not handed out yet.
  package private(set) var remainingRows: Int

  /// - Parameters:
  ///   - unfinished: the rows to extract, ascending and disjoint.
  ///   - suspects: rows that were in flight when an earlier run died.
  ///   - batchSize: rows in a batch, at least 1; fewer at the end of a range.
  package init(unfinished: [Range<Int>], suspects: [Range<Int>] = [], batchSize: Int) {
    precondition(batchSize >= 1, "a batch holds an image")
    self.unfinished = unfinished.filter { !$0.isEmpty }[...]
    self.suspects = suspects
    self.batchSize = batchSize
    remainingRows = unfinished.reduce(0) { $0 + $1.count }
  }

  /// Smaller batches waste more on reading weights than an even end gains.
  private static let smallBatch = 16

  package var isEmpty: Bool { remainingRows == 0 }

  /// The next batch's rows, or nil when all have been handed out.
  ///
  /// Batches end at multiples of the batch size, so that the batches of a resumed run are those of
  /// an uninterrupted one wherever nothing was recorded; but towards the end they shrink, so that
  /// all workers are done at about the same time.
  ///
  /// - Parameter sharers: batches that are in hand at a time, of all workers.
  package mutating func next(sharers: Int = 1) -> Assignment? {
    guard let range = unfinished.first else { return nil }
    let boundary = (range.lowerBound / batchSize + 1) * batchSize
    let share = max(remainingRows / max(sharers, 1) / 8 * 8, Self.smallBatch)
    let rows = range.lowerBound..<min(boundary, range.lowerBound + share, range.upperBound)
    if rows.upperBound == range.upperBound {
      unfinished.removeFirst()
    } else {
      unfinished[unfinished.startIndex] = rows.upperBound..<range.upperBound
    }
    remainingRows -= rows.count
    return Assignment(rows: rows, isSuspect: suspects.contains { $0.overlaps(rows) })
  }
}
