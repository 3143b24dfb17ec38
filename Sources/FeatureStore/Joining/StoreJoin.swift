package import Files

/// The making of a store of other stores' rows, in the order given: as if the rows' lines stood in one
/// list that was extracted.
///
/// Files of rows and `rows.tsv` have the bytes of such an extraction. `store.json` differs in what it
/// says of the list: nobody can tell what the text of that one list would have been, so it names the
/// parts. It is made by a `StoreWriter`: killed at any instant, the same command continues.
package struct StoreJoin: Sendable {
  package let parts: [StorePart]
  package let provenance: Provenance
  /// In class order; those that a row has.
  package let classes: [ByteString]
  let segments: [Segment]

  /// Consecutive rows of one part, and where in the new store they begin.
  struct Segment {
    let start: Int
    let part: Int
    let rows: Range<Int>

    var range: Range<Int> { start..<start + rows.count }
  }

  /// Lines of the table that are read at a time.
  static let lineCount = 1024

  /// Compares the parts' identities and reads their tables of rows.
  ///
  /// - Parameter rowsPerShard: of the new store; nil for one file a layer.
  /// - Throws: `unlikeStores`, `inputChanged`.
  /// - Precondition: there is a part.
  package init(_ parts: [StorePart], rowsPerShard: Int? = nil) throws(StoreError) {
    precondition(!parts.isEmpty, "no part")
    self.parts = parts
    let first = parts[0].store
    for part in parts.dropFirst() {
      let differences = Self.shared(part.store.provenance).differences(
        from: Self.shared(first.provenance), theirs: first.path, ours: part.store.path)
      if !differences.isEmpty {
        throw .unlikeStores(path: part.store.path, first: first.path, differences: differences)
      }
    }
    var segments: [Segment] = []
    var count = 0
    for (index, part) in parts.enumerated() {
      for rows in part.rows {
        segments.append(Segment(start: count, part: index, rows: rows))
        count += rows.count
      }
    }
    self.segments = segments
    classes = ByteString.classes(of: Self.labels(of: parts))
    var provenance = first.provenance
    provenance.list = .init(sha256: Self.listDigest(parts, segments), rows: count)
    provenance.rowsPerShard = rowsPerShard
    provenance.parts = parts.map(\.identity)
    // Files that features were imported from are the parts' own, unless it is the same one.
    if parts.contains(where: { $0.store.provenance.imported != provenance.imported }) {
      provenance.imported = nil
    }
    self.provenance = provenance
    // Tables that changed would make an identity of nobody's, told as another job's store.
    for part in parts {
      do throws(InputChangedError) { try part.store.requireUnchanged() } catch {
        throw .inputChanged(error)
      }
    }
  }

  package var rowCount: Int { provenance.list.rows }

  /// What stores must have in common to be joined: all but the list, the files it is in and where the
  /// rows came from.
  private static func shared(_ provenance: Provenance) -> Provenance {
    var shared = provenance
    shared.list = .init(sha256: SHA256Digest(of: []), rows: 0)
    shared.rowsPerShard = nil
    shared.imported = nil
    shared.parts = nil
    return shared
  }

  /// The labels of the rows: classes without any row are none, as in a list.
  private static func labels(of parts: [StorePart]) -> Set<ByteString> {
    var labels = Set<ByteString>()
    for part in parts {
      var hasRow = [Bool](repeating: false, count: part.store.classes.count)
      for row in part.rows.joined() {
        if let label = part.store.labelIndex(row) { hasRow[label] = true }
      }
      labels.formUnion(zip(part.store.classes, hasRow).filter(\.1).map(\.0))
    }
    return labels
  }

  /// SHA-256 of each row's path and label, with a zero byte after either; as of an imported store.
  private static func listDigest(_ parts: [StorePart], _ segments: [Segment]) -> SHA256Digest {
    var hasher = SHA256Digest.Hasher()
    for segment in segments {
      for rows in pieces(of: segment.rows, size: lineCount) {
        for row in parts[segment.part].store.rows[rows] {
          hasher.update(row.path.bytes + [0] + (row.label?.bytes ?? []) + [0])
        }
      }
    }
    return hasher.finalize()
  }

  static func pieces(of rows: Range<Int>, size: Int) -> [Range<Int>] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: size).map {
      $0..<min($0 + size, rows.upperBound)
    }
  }

  /// The parts of segments that `range` of the new store is made of, in order.
  func segments(of range: Range<Int>) -> [Segment] {
    var low = 0
    var high = segments.count
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].range.upperBound > range.lowerBound {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return segments[low...].prefix { $0.start < range.upperBound }.map { segment in
      let own = segment.range.clamped(to: range)
      let offset = segment.rows.lowerBound - segment.start
      return Segment(
        start: own.lowerBound, part: segment.part,
        rows: own.lowerBound + offset..<own.upperBound + offset)
    }
  }
}
