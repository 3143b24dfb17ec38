import Files
import Foundation
import TestSupport

@testable import Interchange

/// Writes the bytes to a file of this name in a fresh folder and calls `body` with its path.
func withFile(_ name: String, _ bytes: [UInt8], _ body: (String) throws -> Void) throws {
  try withTemporaryFolder { folder in
    let path = "\(folder)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }
}

/// All values of the file's features, row by row.
func values(_ file: FeatureFile) -> [Float] {
  var values: [Float] = []
  file.append(0..<file.rowCount, to: &values)
  return values
}
