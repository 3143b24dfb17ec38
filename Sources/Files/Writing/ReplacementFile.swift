import Glibc

/// A file that appears under its name only when it is complete.
///
/// Bytes go to `path.partial`; `commit()` puts them on the device and renames the file over
/// whatever `path` was. Until then, and when the process dies, `path` is what it was before. Where
/// `path` is a symbolic link to a file, all this happens to that file.
package final class ReplacementFile {
  package let path: String
  private let partialPath: String
  private let file: PositionedFile
  private var isCommitted = false
  /// Bytes handed to `append` so far.
  package private(set) var byteCount = 0
  /// Small pieces are gathered, so that a header of many fields is one call to the system.
  private var pending = [UInt8]()

  /// - Throws: `SystemError` when `path.partial` cannot be made, or when `path` is a folder, a device
  ///   or a pipe, which a file must not take the place of.
  package init(_ path: String) throws(SystemError) {
    var status = stat()
    if stat(path, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      if kind == S_IFDIR { throw SystemError("replace", path: path, code: EISDIR) }
      if kind != S_IFREG {
        throw SystemError("replace the device or pipe", path: path, code: ENOTSUP)
      }
    }
    let path = FileSystem.resolvingLink(path)
    self.path = path
    partialPath = path + ".partial"
    file = try PositionedFile(partialPath, .replace)
  }

  deinit {
    if !isCommitted { unlink(partialPath) }
  }

  /// - Throws: `SystemError` when the bytes cannot be written.
  package func append(_ bytes: [UInt8]) throws(SystemError) {
    pending += bytes
    byteCount += bytes.count
    if pending.count >= 1 << 16 { try flush() }
  }

  /// Appends `numbers` as they lie in memory: little-endian, four bytes a float, eight a double.
  ///
  /// - Throws: `SystemError` when the bytes cannot be written.
  package func append<Number: BitwiseCopyable>(_ numbers: Span<Number>) throws(SystemError) {
    try flush()
    let offset = byteCount
    // `Span.withUnsafeBytes` passes errors on untyped, hence the detour.
    let result = numbers.withUnsafeBytes { raw in
      Result { () throws(SystemError) in try file.write(raw, at: offset) }
    }
    try result.get()
    byteCount += MemoryLayout<Number>.stride * numbers.count
  }

  /// Makes the file durable and gives it its name.
  ///
  /// - Throws: `SystemError`; `path` is then what it was before.
  package func commit() throws(SystemError) {
    try flush()
    try file.synchronize()
    try FileSystem.rename(partialPath, to: path)
    isCommitted = true
    // The name is durable only when the folder that holds it is.
    try FileSystem.synchronizeFolder(FileSystem.folder(of: path))
  }

  private func flush() throws(SystemError) {
    if pending.isEmpty { return }
    try file.write(pending, at: byteCount - pending.count)
    pending.removeAll(keepingCapacity: true)
  }
}
