import Foundation

/// Calls `body` with a fresh folder, which is removed afterwards.
package func withTemporaryFolder<R>(_ body: (_ path: String) throws -> R) throws -> R {
  let path = NSTemporaryDirectory() + "decaf-test-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}
