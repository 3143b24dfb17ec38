package import Files
internal import Glibc

/// Reads image files, whatever a list's path turns out to be.
package enum ImageFile {
  /// Larger files are not read: nothing that passes the decoder's limits is near it.
  package static let byteLimit = 256 << 20

  /// All bytes of the file at `location`, which need not be UTF-8.
  ///
  /// - Throws: `ImageError.unreadable`, `.notAFile` or `.tooManyBytes`.
  package static func read(_ location: ByteString) throws(ImageError) -> [UInt8] {
    guard !location.bytes.contains(0) else { throw .unreadable(operation: "open", code: EINVAL) }
    // Not blocking, or opening a pipe that nobody writes to would never return.
    let descriptor = location.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw .unreadable(operation: "open", code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(operation: "inspect", code: errno)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .notAFile(found: "a folder")
    default: throw .notAFile(found: "a device, pipe or socket")
    }
    let byteCount = Int(status.st_size)
    guard byteCount <= byteLimit else { throw .tooManyBytes(byteCount, limit: byteLimit) }

    var failure: Int32?
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, done in
      while done < byteCount {
        let result = Glibc.read(descriptor, buffer.baseAddress! + done, byteCount - done)
        if result > 0 {
          done += result
        } else if result == 0 {
          return
        }  // it shrank
        else if errno != EINTR {
          failure = errno
          return
        }
      }
    }
    if let failure { throw .unreadable(operation: "read", code: failure) }
    return bytes
  }
}
