package import Files
package import Images

/// One image to extract: where it lies and which part of it counts.
package struct BatchItem: Equatable, Sendable {
  /// The file's location: an absolute path, or one relative to the working directory.
  package let location: ByteString
  /// The part of the upright image to use; nil for all of it.
  package let box: Box?
  /// Why the list's line cannot be extracted at all; nil when it can.
  package let defect: String?

  package init(location: ByteString, box: Box? = nil, defect: String? = nil) {
    self.location = location
    self.box = box
    self.defect = defect
  }
}

/// The unit of work: consecutive rows of the list, handed to one worker.
package struct Batch: Equatable, Sendable {
  /// Rows of the store, one for each item.
  package let rows: Range<Int>
  package let items: [BatchItem]
  /// The batch was in flight when an earlier run died: each image is tried in a process of its own
  /// first.
  package let isSuspect: Bool

  package init(rows: Range<Int>, items: [BatchItem], isSuspect: Bool) {
    precondition(rows.count == items.count, "a batch has one item a row")
    self.rows = rows
    self.items = items
    self.isSuspect = isSuspect
  }
}
