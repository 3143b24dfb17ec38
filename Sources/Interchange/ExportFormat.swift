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

  /// What is written.
  var rows: ExportedRows { get }

  /// Values stand column by column, as MATLAB keeps matrices; `append` gets a column's, and its number.
  static var isColumnMajor: Bool { get }
  /// The most bytes of values that a file may have, and the most rows; what is more goes into further files.
  static var capacity: (valueBytes: Int, rows: Int) { get }

  /// What stands before the first row.
  var header: [UInt8] { get }

  /// The CRC-32 of what stands before the rows in the part of the file that has one.
  var checksumBeforeRows: UInt32 { get }

  /// Appends a row of the store.
  func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8])

  /// What stands after the last row.
  ///
  /// - Parameter checksum: CRC-32 of the rows, continuing `checksumBeforeRows`.
  func footer(checksum: UInt32) -> [UInt8]

  /// A file beside the first that says what it cannot: classes of numbers, labels of rows. Its name
  /// is the first one's and `suffix`.
  var companion: (suffix: String, bytes: [UInt8])? { get }
}

extension ExportFormat {
  package static var needsLabels: Bool { false }
  package static var isColumnMajor: Bool { false }
  package static var capacity: (valueBytes: Int, rows: Int) { (.max, .max) }
  package var checksumBeforeRows: UInt32 { 0 }
  package func footer(checksum: UInt32) -> [UInt8] { [] }
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
  /// The layer's name.
  package let layer: String

  /// The class of each row, counted from 0; -1 without a label.
  var labelIndices: [Int] { rows.map { store.labelIndex($0) ?? -1 } }
}

/// The formats that a store can be exported to.
package enum ExportFormats {
  package static let all: [any ExportFormat.Type] = [
    SVMLightExport.self, CSVExport.self, NPYExport.self, NPZExport.self, MATExport.self,
    SafetensorsExport.self,
  ]
}
