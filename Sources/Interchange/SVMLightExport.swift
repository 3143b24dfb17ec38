internal import FeatureStore
internal import Files

/// `label index:value …`, zeros left out, indices from 1: what SVMlight and LIBLINEAR read.
package struct SVMLightExport: ExportFormat {
  package static let name = "svmlight"
  package static let summary = """
    label index:value …, without zeros, for SVMlight and LIBLINEAR; rows without label are left out. \
    Labels that are no whole numbers, or that readers would take for one another (01 and 1), become \
    numbers, from 1 in class order, and OUTPUT.classes.tsv tells which.
    """
  package static let needsLabels = true

  package let rows: ExportedRows
  private let store: Store
  /// Whether every class is a whole number already, as LIBLINEAR wants labels: one of 32 bits, in its
  /// one plain form, so that no two classes are one number.
  private let hasNumericClasses: Bool

  package init(_ rows: ExportedRows) {
    self.rows = rows
    store = rows.store
    hasNumericClasses = store.classes.allSatisfy { name in
      name.utf8String.flatMap { Int32($0) }.map { ByteString("\($0)") } == name
    }
  }

  package func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8]) {
    let index = store.labelIndex(row)!
    bytes += hasNumericClasses ? store.classes[index].bytes : Array("\(index + 1)".utf8)
    for (j, value) in values.enumerated() where value != 0 {
      bytes += " \(j + 1):\(value)".utf8
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  package var companion: (suffix: String, bytes: [UInt8])? {
    if hasNumericClasses { return nil }
    var bytes = Array("number\tclass\n".utf8)
    for (index, name) in store.classes.enumerated() {
      bytes += "\(index + 1)\t".utf8
      FieldEscape.append(name.bytes, to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
    return (".classes.tsv", bytes)
  }
}
