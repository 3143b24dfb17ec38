package import FeatureStore

/// A kind of file that `StoreExport` writes; one conformer a file, named in `ExportFormats.all`.
package protocol ExportFormat: Sendable {
  /// What `--format` calls it.
  static var name: String { get }
  /// For the command's help: what is in the file.
  static var summary: String { get }
  /// Rows without label are left out.
  static var needsLabels: Bool { get }

  init(_ rows: ExportedRows)

  /// What stands before the first row.
  var header: [UInt8] { get }

  /// Appends a row of the store.
  func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8])

  /// A file beside the first that says what it cannot: classes of numbers, labels of rows. Its name
  /// is the first one's and `suffix`.
  var companion: (suffix: String, bytes: [UInt8])? { get }
}

extension ExportFormat {
  package static var needsLabels: Bool { false }
  package var header: [UInt8] { [] }
  package var companion: (suffix: String, bytes: [UInt8])? { nil }
}

/// What an export writes: rows of a layer.
package struct ExportedRows: Sendable {
  package let store: Store
  /// Rows of the store, ascending.
  package let rows: [Int]
  /// Values in a row.
  package let width: Int
}

/// The formats that a store can be exported to.
package enum ExportFormats {
  package static let all: [any ExportFormat.Type] = [
    SVMLightExport.self, CSVExport.self, NPYExport.self,
  ]
}
