internal import Files

/// Which rows of a store are wanted: those that all of its conditions hold for.
package struct RowSelection: Equatable, Sendable {
  /// Ranges of rows, both ends included, in any order; nil for all.
  package var rows: [ClosedRange<Int>]?
  /// Names of classes, one or, with commas between them, several in each text; nil for any label.
  package var labels: [String]?
  package var status: RowStatus?

  package init(
    rows: [ClosedRange<Int>]? = nil, labels: [String]? = nil, status: RowStatus? = nil
  ) {
    self.rows = rows
    self.labels = labels
    self.status = status
  }

  /// The rows of the store, in their order there.
  ///
  /// - Throws: `rowsBeyond`, `unknownClass`, `nothingSelected`.
  package func part(of store: Store) throws(StoreError) -> StorePart {
    let wanted = try rowSet(in: store)
    let classes = try classes(in: store)
    let words = words(wanted, classes.map { $0.map { store.classes[$0].description } })
    let isWanted = classes.map { classes in
      store.classes.indices.map { classes.contains($0) }
    }
    var found: [Range<Int>] = []
    for range in wanted?.ranges ?? [0..<store.rowCount] {
      for row in range {
        if let status, store.status(row) != status { continue }
        if let isWanted {
          guard let label = store.labelIndex(row), isWanted[label] else { continue }
        }
        if let last = found.last, last.upperBound == row {
          found[found.count - 1] = last.lowerBound..<row + 1
        } else {
          found.append(row..<row + 1)
        }
      }
    }
    if found.isEmpty { throw .nothingSelected(path: store.path, selection: words) }
    return StorePart(store, rows: found, selection: words)
  }

  private func rowSet(in store: Store) throws(StoreError) -> RowSet? {
    guard let rows else { return nil }
    var set = RowSet()
    for range in rows {
      guard range.lowerBound >= 0, range.upperBound < store.rowCount else {
        throw .rowsBeyond(path: store.path, row: range.upperBound, rowCount: store.rowCount)
      }
      set.insert(range.lowerBound..<range.upperBound + 1)
    }
    return set
  }

  /// The indices of the classes that are asked for, ascending.
  private func classes(in store: Store) throws(StoreError) -> [Int]? {
    guard let labels else { return nil }
    var found = Set<Int>()
    for text in labels {
      // A class may have a comma in its own name.
      if let index = store.classes.firstIndex(of: ByteString(text)) {
        found.insert(index)
        continue
      }
      for name in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
        let name = ByteString(name)
        guard let index = store.classes.firstIndex(of: name) else {
          throw .unknownClass(
            name: name.description, path: store.path, available: store.manifest.classes)
        }
        found.insert(index)
      }
    }
    return found.sorted()
  }

  /// The selection in the one form it has however it was written: part of the new store's identity.
  private func words(_ rows: RowSet?, _ classes: [String]?) -> String {
    var words: [String] = []
    if let rows {
      let ranges = rows.ranges.map {
        $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound - 1)"
      }
      words.append("rows \(ranges.joined(separator: ","))")
    }
    if let classes { words.append("label=\(classes.joined(separator: ","))") }
    if let status { words.append("status=\(status.rawValue)") }
    return words.joined(separator: "; ")
  }
}
