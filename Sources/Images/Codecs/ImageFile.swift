package import Files
internal import Glibc

/// Reads image files, whatever a list's path turns out to be.
package enum ImageFile {
  /// Larger files are not read: nothing that passes the decoder's limits is near it.
  package static let byteLimit = 256 << 20

  /// The location of an image that is a part of a file: its bytes from `offset` on. No path looks like
  /// it, since it has zeros in it.
  static func location(of offset: Int, count: Int, in file: ByteString) -> ByteString {
    ByteString(file.bytes + [0] + Array("\(offset)".utf8) + [0] + Array("\(count)".utf8))
  }

  /// All bytes of the image at `location`: a file's path, which need not be UTF-8, or the location of a
  /// part of a file.
  ///
  /// - Throws: `ImageError.unreadable`, `.notAFile`, `.tooManyBytes` or `.truncated`.
  package static func read(_ location: ByteString) throws(ImageError) -> [UInt8] {
    let fields = location.bytes.split(separator: 0, omittingEmptySubsequences: false)
    let numbers = fields.dropFirst().map { Int(String(decoding: $0, as: UTF8.self)) ?? -1 }
    guard numbers.isEmpty || numbers.count == 2 && numbers.allSatisfy({ $0 >= 0 }) else {
      throw .unreadable(operation: "open", code: EINVAL)
    }
    return try read(
      ByteString(Array(fields[0])), offset: numbers.first ?? 0, count: numbers.last)
  }

  /// - Parameter count: bytes from `offset` on; nil for the whole file.
  private static func read(
    _ location: ByteString, offset: Int, count: Int?
  ) throws(ImageError) -> [UInt8] {
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
    let byteCount = count ?? Int(status.st_size)
    guard offset <= Int(status.st_size), byteCount <= Int(status.st_size) - offset else {
      throw .truncated(reason: "the archive ends after \(status.st_size) bytes, before the image")
    }
    guard byteCount <= byteLimit else { throw .tooManyBytes(byteCount, limit: byteLimit) }

    var failure: Int32?
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, done in
      while done < byteCount {
        let result = pread(
          descriptor, buffer.baseAddress! + done, byteCount - done, off_t(offset + done))
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
