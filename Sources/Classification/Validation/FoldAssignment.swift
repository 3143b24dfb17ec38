internal import Tensors

/// Which rows are held out to validate on in which fold.
package struct FoldAssignment: Sendable, Equatable {
  package let foldCount: Int
  /// For each row of a source the fold that it is held out in; nil for a row that is always trained
  /// on, or that cannot be used.
  package let folds: [Int?]

  /// - Precondition: folds are in `0..<foldCount`.
  package init(foldCount: Int, folds: [Int?]) {
    precondition(folds.allSatisfy { $0 == nil || 0..<foldCount ~= $0! }, "no such fold")
    self.foldCount = foldCount
    self.folds = folds
  }

  /// Folds with as equal shares of each class as there can be, drawn by `seed` and the rows' numbers
  /// alone: every rank draws the same.
  ///
  /// Rows of a class are put in the order of a hash of their numbers and dealt out in turn, each
  /// class going on where the one before it stopped, so that the folds' sizes differ by at most 1.
  package static func stratified(
    _ source: any RowSource, foldCount: Int, seed: UInt64
  ) -> FoldAssignment {
    var rowsOfClass = [[Int]](repeating: [], count: source.classNames.count)
    for row in 0..<source.rowCount {
      guard case .labelled(let label) = source.use(of: row), source.weight(of: row) > 0
      else { continue }
      rowsOfClass[label].append(row)
    }
    var folds = [Int?](repeating: nil, count: source.rowCount)
    var next = 0
    for rows in rowsOfClass {
      let shuffled = rows.map { row -> (key: UInt64, row: Int) in
        var generator = SeededGenerator(seed: seed, stream: UInt64(row))
        return (generator.next(), row)
      }.sorted { $0 < $1 }
      for (_, row) in shuffled {
        folds[row] = next
        next = (next + 1) % foldCount
      }
    }
    return FoldAssignment(foldCount: foldCount, folds: folds)
  }
}
