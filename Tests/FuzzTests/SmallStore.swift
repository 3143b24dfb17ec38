import FeatureStore
import Files
import Tensors
import TestSupport

@testable import Interchange

/// A store of a few rows, complete or running.
enum SmallStore {
  static let rowCount = 24
  private static let width = 3

  private static func job(_ folder: String) throws -> StoreImport {
    var values = (0..<rowCount * width).map { Float($0 * 7 % 11) / 4 - 1 }
    // A failed row, and odd names.
    for i in 5 * width..<6 * width { values[i] = .nan }
    let path = try writeTestFile(
      NPYWriter.array("<f4", "\(rowCount), \(width)", NPYWriter.floats(values)), "x.npy", in: folder
    )
    let classes: [ByteString?] = ["a\tb", "é", "e\u{301}", nil]
    return StoreImport(
      try FeatureFile(path), layer: LayerSpec(name: "f", fileStem: "f", shape: [width]), origin: "",
      dtype: .float32, labels: (0..<rowCount).map { classes[$0 % 4] },
      paths: (0..<rowCount).map { ByteString("dir\\n/im\tage \($0).jpg") })
  }

  static func complete(_ path: String) throws -> Store {
    try withTemporaryFolder { _ = try job($0).write(to: path, overwrite: true) }
    return try Store(path)
  }

  /// A job that has finished rows 0…11 and begun 12…15; its row files and journal stay in the folder.
  static func running(_ path: String) throws -> Provenance {
    let job = try withTemporaryFolder { try Self.job($0) }
    let provenance = job.provenance
    let writer = try StoreWriter.open(path, provenance: provenance, classes: job.classes)
    for first in [0, 4, 8, 12] {
      let rows = first..<first + 4
      try writer.recordStarted(rows)
      if first == 12 { break }
      let data = ElementType.float32.missing(4 * width)
      let exceptions = [RowException(row: first + 1, status: .failed, message: "no\tfile")]
      try writer.recordFinished(
        FinishedRows(rows: rows, exceptions: exceptions, overflowCount: 1, data: [data]),
        rows: [data])
      try writer.flush()
    }
    try writer.close()
    return provenance
  }
}
