internal import Files
internal import Tensors

extension StoreWriter {
  /// Whether some finished row holds an image's activations.
  package var hasSucceededRows: Bool { state.finished.count > state.failed.count }

  /// Notes that rows were handed out and came back without any result: they stay unfinished, and no
  /// later run takes them for suspects.
  ///
  /// - Throws: `cannotWrite`.
  /// - Precondition: none of the rows is finished.
  package func recordReturned(_ rows: [Range<Int>]) throws(StoreError) {
    precondition(!rows.contains(where: state.finished.intersects), "a finished row came back")
    try recording { () throws(StoreError) in
      let records = rows.map { JournalRecord.reopened($0, overflowCount: 0) }
      // Not synchronized, as the record that they were handed out is not.
      try writing { () throws(SystemError) in try openJournal.append(records) }
      for record in records { state.apply(record) }
    }
  }

  /// Finishes rows of which there is nothing but a message: their values are NaN.
  ///
  /// - Parameter rows: ascending.
  /// - Throws: as `recordFinished`.
  package func recordFailed(_ rows: [RowException]) throws(StoreError) {
    var start = 0
    while start < rows.count {
      var end = start + 1
      while end < rows.count, end - start < Self.failedAtOnce,
        rows[end].row == rows[end - 1].row + 1
      {
        end += 1
      }
      let part = Array(rows[start..<end])
      let data = layout.layers.map { layout.elementType.missing($0.width * part.count) }
      try recordFinished(
        FinishedRows(
          rows: part[0].row..<part[0].row + part.count, exceptions: part, overflowCount: 0,
          data: data), rows: data)
      start = end
    }
  }

  /// Bounds the memory that their NaNs take.
  private static let failedAtOnce = 64
}
