import Glibc

/// An open file that is read and written at explicit offsets.
///
/// Safe to use from several threads at once, as `pread` and `pwrite` are.
package final class PositionedFile: @unchecked Sendable {
  // Invariant behind `@unchecked`: `descriptor` never changes before `deinit`; the system
  // serializes what threads do with it.
  package let descriptor: Int32
  package let path: String

  package enum Mode: Sendable {
    /// Must exist; reading only.
    case read
    /// Made if missing, contents kept; reading and writing.
    case update
    /// Made if missing, emptied if not; reading and writing.
    case replace
  }

  /// - Throws: `SystemError` when the file cannot be opened.
  package init(_ path: String, _ mode: Mode) throws(SystemError) {
    let flags =
      switch mode {
      case .read: O_RDONLY
      case .update: O_RDWR | O_CREAT
      case .replace: O_RDWR | O_CREAT | O_TRUNC
      }
    descriptor = try checked("open", path: path) { open(path, flags | O_CLOEXEC, 0o644) }
    self.path = path
  }

  deinit { close(descriptor) }

  /// - Throws: `SystemError` when the file cannot be inspected.
  package func byteCount() throws(SystemError) -> Int {
    var status = stat()
    try checked("inspect", path: path) { fstat(descriptor, &status) }
    return Int(status.st_size)
  }

  /// Writes all of `bytes` at `offset`.
  ///
  /// - Throws: `SystemError`; part of the bytes may then be written.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      done += try checked("write \(bytes.count) bytes at \(offset) of", path: path) {
        pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      }
    }
    DiskProbe.note(.write(path))
  }

  /// Writes all of `bytes` at `offset`; see `write(_:at:)` for raw buffers.
  package func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(SystemError) in try write(raw, at: offset) }
    }
    try result.get()
  }

  /// Writes all of `bytes` at `offset`; see `write(_:at:)` for raw buffers.
  package func write(_ bytes: SharedBytes, at offset: Int) throws(SystemError) {
    try bytes.withUnsafeBytes { raw throws(SystemError) in try write(raw, at: offset) }
  }

  /// Reads up to `count` bytes at `offset`; fewer only where the file ends.
  package func read(_ count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      do throws(SystemError) {
        while done < count {
          let result = try checked("read \(count) bytes at \(offset) of", path: path) {
            pread(descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
          }
          if result == 0 { return }
          done += result
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Makes the file `byteCount` long; new bytes read as zero and take no room until written.
  package func resize(to byteCount: Int) throws(SystemError) {
    try checked("resize", path: path) { ftruncate(descriptor, off_t(byteCount)) }
  }

  /// Returns when everything written is on the device.
  package func synchronize() throws(SystemError) {
    try checked("synchronize", path: path) { fdatasync(descriptor) }
    DiskProbe.note(.synchronize(path))
  }
}
