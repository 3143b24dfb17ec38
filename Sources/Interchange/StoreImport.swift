package import FeatureStore
package import Files
internal import Images
package import Tensors

/// The making of a store of features that another program computed.
package struct StoreImport {
  package let file: FeatureFile
  /// The name the store's layer gets: `fc6`.
  package let layer: LayerSpec
  /// What the features were made by, in the user's words: classifiers refuse those of another origin.
  package let origin: String
  package let dtype: ElementType
  /// Label and path of each row.
  private let labels: [ByteString?]
  private let paths: [ByteString]

  /// Values that are written at a time.
  private static let pieceCount = 1 << 22

  /// - Parameters:
  ///   - labels: one for each row, or none.
  ///   - paths: one for each row; nil for the file's name and the row's number.
  /// - Precondition: there are as many labels and paths as rows.
  package init(
    _ file: FeatureFile, layer: LayerSpec, origin: String, dtype: ElementType,
    labels: [ByteString?]?, paths: [ByteString]?
  ) {
    self.file = file
    self.layer = layer
    self.origin = origin
    self.dtype = dtype
    let name = FileSystem.name(of: file.path)
    self.labels = labels ?? [ByteString?](repeating: nil, count: file.rowCount)
    self.paths = paths ?? (0..<file.rowCount).map { ByteString("\(name)#\($0)") }
    precondition(self.labels.count == file.rowCount && self.paths.count == file.rowCount)
  }

  /// The distinct labels, in class order.
  package var classes: [ByteString] { ByteString.classes(of: labels.compactMap { $0 }) }

  package var labelledCount: Int { labels.count { $0 != nil } }

  /// What the store will say of itself.
  package var provenance: Provenance {
    var hasher = SHA256Digest.Hasher()
    for (path, label) in zip(paths, labels) {
      hasher.update(path.bytes + [0] + (label?.bytes ?? []) + [0])
    }
    var provenance = Provenance(
      list: .init(sha256: hasher.finalize(), rows: file.rowCount),
      recipe: .imported(origin: origin), layers: [layer], dtype: dtype, kernelClass: "imported",
      arithmetic: 1)
    provenance.imported = .init(
      format: file.format.rawValue, variable: file.variable, sha256: file.sha256)
    return provenance
  }

  /// Writes the store, or continues one that was interrupted.
  ///
  /// - Returns: how many rows are NaN throughout, and so failed; values too large for float16; and
  ///   whether there was anything to do.
  /// - Throws: `InterchangeError.notFinite`; `StoreError`.
  package func write(
    to path: String, overwrite: Bool
  ) throws -> (failedCount: Int, overflowCount: Int, isNew: Bool) {
    // First of all, so that a bad file leaves no store behind.
    for rows in pieces(0..<file.rowCount) { _ = try read(rows) }
    let writer = try StoreWriter.open(
      path, provenance: provenance, classes: classes, overwrite: overwrite)
    let isNew = !writer.unfinished.isEmpty
    for range in writer.unfinished {
      for rows in pieces(range) {
        let (batch, bytes) = try read(rows)
        try writer.recordStarted(rows)
        try writer.recordFinished(batch, rows: [bytes])
      }
    }
    try writer.complete { (paths[$0], labels[$0]) }
    return (writer.failedRowCount, writer.overflowCount, isNew)
  }

  private func pieces(_ rows: Range<Int>) -> [Range<Int>] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: max(1, Self.pieceCount / file.width))
      .map { $0..<min($0 + max(1, Self.pieceCount / file.width), rows.upperBound) }
  }

  /// Reads rows and checks their values.
  private func read(_ rows: Range<Int>) throws -> (FinishedRows, [UInt8]) {
    var values: [Float] = []
    file.append(rows, to: &values)
    var bytes: [UInt8] = []
    var exceptions: [RowException] = []
    var overflowCount = 0
    let width = file.width
    for (i, row) in rows.enumerated() {
      let span = values.span.extracting(i * width..<(i + 1) * width)
      guard let bad = (0..<width).first(where: { !span[$0].isFinite }) else {
        overflowCount += dtype.append(span, to: &bytes)
        continue
      }
      guard (0..<width).allSatisfy({ span[$0].isNaN }) else {
        throw InterchangeError.notFinite(
          path: file.path, row: row, column: bad, value: "\(span[bad])")
      }
      bytes += dtype.missing(width)
      exceptions.append(RowException(row: row, status: .failed, message: "NaN in \(file.format)"))
    }
    return (
      FinishedRows(
        rows: rows, exceptions: exceptions, overflowCount: overflowCount, data: [bytes]), bytes
    )
  }
}
