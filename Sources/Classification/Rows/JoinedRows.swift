internal import Files
internal import Images
package import Tensors

/// The rows of several sources, one after the other; classes of the same name are one class.
package struct JoinedRows: RowSource {
  package let sources: [any RowSource]
  package let width: Int
  /// In class order, as in a store made of all lists.
  package let classNames: [String]
  /// Where each source begins, and where the last ends.
  private let starts: [Int]
  /// For each source, the class that each of its classes is here.
  private let classMaps: [[Int]]

  /// - Throws: `ClassificationError.widthsDiffer`. Whether the features were made alike is for
  ///   whoever knows their origin to check.
  /// - Precondition: there is a source.
  package init(_ sources: [any RowSource]) throws(ClassificationError) {
    precondition(!sources.isEmpty, "nothing to join")
    self.sources = sources
    width = sources[0].width
    for other in sources where other.width != width {
      throw .widthsDiffer(
        source: other.name, width: other.width, first: sources[0].name, firstWidth: width)
    }
    let names = sources.map { $0.classNames.map { ByteString($0) } }
    let classes = ByteString.classes(of: names.joined())
    let position = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    classNames = classes.map(\.description)
    classMaps = names.map { $0.map { position[$0]! } }
    var starts = [0]
    for source in sources { starts.append(starts.last! + source.rowCount) }
    self.starts = starts
  }

  package var name: String { sources.map(\.name).joined(separator: ", ") }
  package var rowCount: Int { starts.last! }

  package func use(of row: Int) -> RowUse {
    let (index, local) = local(row)
    let use = sources[index].use(of: local)
    if case .labelled(let label) = use { return .labelled(classMaps[index][label]) }
    return use
  }

  package func weight(of row: Int) -> Double {
    let (index, local) = local(row)
    return sources[index].weight(of: local)
  }

  package func origin(of row: Int) -> (name: String, row: Int) {
    let (index, local) = local(row)
    return sources[index].origin(of: local)
  }

  package func place(of row: Int) -> CachedRows.Place? {
    let (index, local) = local(row)
    return sources[index].place(of: local)
  }

  package func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    let pieces = sources.indices.compactMap { index -> (Int, Range<Int>)? in
      let piece = rows.clamped(to: starts[index]..<starts[index + 1])
      return piece.isEmpty
        ? nil : (index, piece.lowerBound - starts[index]..<piece.upperBound - starts[index])
    }
    if pieces.count == 1 {
      return try sources[pieces[0].0].withRows(pieces[0].1, scratch: &scratch, body)
    }
    var gathered: [Float] = []
    gathered.reserveCapacity(rows.count * width)
    for (index, piece) in pieces {
      try sources[index].withRows(piece, scratch: &scratch) { gathered.append(contentsOf: $0) }
    }
    try body(gathered.span)
  }

  /// The source that a row belongs to, and its number there.
  private func local(_ row: Int) -> (source: Int, row: Int) {
    precondition(row >= 0 && row < rowCount, "no such row")
    var (low, high) = (0, sources.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= row { low = middle } else { high = middle }
    }
    return (low, row - starts[low])
  }
}
