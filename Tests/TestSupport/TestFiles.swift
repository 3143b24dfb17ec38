import Foundation

/// Writes `bytes` to a file called `name` in `folder` and returns its path.
package func writeTestFile(_ bytes: [UInt8], _ name: String, in folder: String) throws -> String {
  let path = folder + "/" + name
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  return path
}

/// The bytes of the file at `path`.
package func readTestFile(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
