internal import CMappings
import Glibc

/// A file's bytes, mapped read-only; ranks of one node that map the same file share one copy.
///
/// The mapping lives as long as the object. Where the file is cut short meanwhile, its bytes read as
/// zeros: who uses them asks `input` whether they count.
package final class MappedFile: @unchecked Sendable {
  // Invariant behind `@unchecked`: the mapping is read-only and private, and `base` never changes.
  private let base: UnsafeRawPointer?
  private let watch: MappingWatch?
  package let path: String
  package let byteCount: Int
  /// The file's version, taken before any of its bytes was read.
  package let input: InputFile

  /// - Throws: `SystemError` when the file cannot be opened or mapped, or is not a regular file.
  package init(_ path: String) throws(SystemError) {
    // Not blocking, or opening a pipe that nobody writes to would never return.
    let descriptor = try checked("open", path: path) {
      open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }
    defer { close(descriptor) }
    var status = stat()
    try checked("inspect", path: path) { fstat(descriptor, &status) }
    let kind = status.st_mode & S_IFMT
    if kind == S_IFDIR { throw SystemError("map", path: path, code: EISDIR) }
    if kind != S_IFREG {
      throw SystemError("map the device or pipe", path: path, code: ENOTSUP)
    }
    self.path = path
    byteCount = Int(status.st_size)
    if byteCount == 0 {
      (base, watch) = (nil, nil)
    } else {
      let mapping = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
      guard let mapping, mapping != MAP_FAILED else { throw SystemError("map", path: path) }
      do throws(SystemError) {
        let bytes = UnsafeRawBufferPointer(start: mapping, count: byteCount)
        watch = try MappingWatch(bytes, path: path)
      } catch {
        munmap(mapping, byteCount)
        throw error
      }
      base = UnsafeRawPointer(mapping)
    }
    input = InputFile(path, FileVersion(status), mapping: watch)
  }

  /// What a compressed part of a file expands to, in memory of its own, as a file with the other's path and
  /// version.
  ///
  /// - Parameter limit: the most that is expanded.
  /// - Throws: `InflateError`.
  package init(
    expanding range: Range<Int>, of file: MappedFile, _ container: Inflate.Container, limit: Int
  ) throws(InflateError) {
    // A file in memory grows piece by piece, where an array would be copied to grow.
    let descriptor = decaf_memory_file()
    guard descriptor >= 0 else { throw .outOfMemory }
    defer { close(descriptor) }
    var count = 0
    try Inflate.forEachPiece(of: file, range, container, limit: limit) {
      piece throws(InflateError) in
      var rest = piece
      while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 || errno == EINTR else { throw .outOfMemory }
        rest = rest.dropFirst(max(0, written))
      }
      count += piece.count
    }
    (path, byteCount, input, watch) = (file.path, count, file.input, nil)
    guard count > 0 else {
      base = nil
      return
    }
    let mapping = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let mapping, mapping != MAP_FAILED else { throw .outOfMemory }
    base = UnsafeRawPointer(mapping)
  }

  deinit {
    watch?.end()
    if let base { munmap(UnsafeMutableRawPointer(mutating: base), byteCount) }
  }

  /// Calls `body` with `range` of the file's bytes.
  package func withBytes<R, E: Error>(
    _ range: Range<Int>? = nil, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let range = range ?? 0..<byteCount
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "range beyond the file")
    guard let base else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Calls `body` with `range` of the file's bytes.
  package func withSpan<R, E: Error>(
    _ range: Range<Int>? = nil, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try withBytes(range) { bytes throws(E) in
      let typed = bytes.assumingMemoryBound(to: UInt8.self)
      return try body(typed.span)
    }
  }

  /// A copy of `range` of the file's bytes.
  package func bytes(_ range: Range<Int>) -> [UInt8] {
    withBytes(range) { [UInt8]($0) }
  }

  /// Tells the system that `range` will be read soon, so that it can fetch it in the background.
  package func willNeed(_ range: Range<Int>) { advise(range, MADV_WILLNEED) }

  /// Tells the system that `range` has been read, so that its pages no longer count as this
  /// process's memory; reading them again is safe.
  package func isDone(with range: Range<Int>) { advise(range, MADV_DONTNEED) }

  private func advise(_ range: Range<Int>, _ advice: Int32) {
    withBytes(range) { bytes in
      guard let start = bytes.baseAddress else { return }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      let offset = Int(bitPattern: start) % page
      madvise(UnsafeMutableRawPointer(mutating: start - offset), bytes.count + offset, advice)
    }
  }
}
