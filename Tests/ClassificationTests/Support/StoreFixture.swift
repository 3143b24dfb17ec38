import Classification
import FeatureStore
import Files
import Foundation
import Images
import Tensors

/// A small store whose rows are given.
struct StoreFixture {
  var rows: ArrayRows
  var weights = "w"
  var crop = 227.0
  var dtype = ElementType.float32

  /// Class names that only their bytes tell apart, or that need escapes.
  static let classes = ["a\tb", "\u{e9}", "e\u{301}"]

  static func random(rowCount: Int = 90, seed: UInt64 = 20) -> StoreFixture {
    var rows = ArrayRows.random(rowCount: rowCount, width: 6, classCount: 3, seed: seed)
    rows.classNames = classes
    rows.failedRows = [4, 50]
    rows.labels[5] = nil
    return StoreFixture(rows: rows)
  }

  /// Writes the store; its only layer is `fc6`.
  func write(_ path: String) throws -> Store {
    let width = rows.width
    let provenance = Provenance(
      list: .init(sha256: SHA256Digest(of: "list".utf8), rows: rows.rowCount),
      recipe: FeatureRecipe(
        model: .init(architecture: "caffenet", sha256: SHA256Digest(of: weights.utf8)),
        transform: .object(["crop": .number(crop)]), decode: "exact", views: "center",
        precision: "fp32"),
      layers: [LayerSpec(name: "fc6", fileStem: "fc6", shape: [width])], dtype: dtype,
      kernelClass: "avx2", arithmetic: 1)
    let writer = try StoreWriter.open(
      path, provenance: provenance, classes: rows.classNames.map { ByteString($0) })
    var bytes: [UInt8] = []
    var exceptions: [RowException] = []
    for row in 0..<rows.rowCount {
      if rows.failedRows.contains(row) {
        bytes += dtype.missing(width)
        exceptions.append(RowException(row: row, status: .failed, message: "no such file"))
      } else {
        _ = dtype.append(Array(rows.values[row * width..<(row + 1) * width]), to: &bytes)
      }
    }
    let all = 0..<rows.rowCount
    try writer.recordStarted(all)
    try writer.recordFinished(
      FinishedRows(rows: all, exceptions: exceptions, overflowCount: 0, data: [bytes]),
      rows: [bytes])
    try writer.complete { row in
      (
        ByteString("image \(row).jpg"),
        rows.labels[row].map { ByteString(rows.classNames[$0]) }
      )
    }
    return try Store(path)
  }
}
