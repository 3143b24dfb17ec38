internal import CZlib

/// Reading of compressed bytes (RFC 1950 and 1951), as MATLAB files and ZIP archives hold them.
package enum Inflate {
  /// What stands around the compressed bytes.
  package enum Container: Sendable {
    /// A header of two bytes and an Adler-32 checksum at the end.
    case zlib
    /// Nothing.
    case raw
  }

  /// The bytes that `range` of the file expands to.
  ///
  /// - Parameter limit: the most that is expanded: a few kilobytes may claim to be terabytes.
  /// - Throws: `InflateError` when the bytes are damaged, end early or expand beyond the limit.
  package static func bytes(
    of file: MappedFile, _ range: Range<Int>, _ container: Container, limit: Int
  ) throws(InflateError) -> [UInt8] {
    var stream = z_stream()
    // Negative window bits: no header; 15: the largest window.
    guard decaf_inflate_init(&stream, container == .zlib ? 15 : -15) == Z_OK else {
      throw InflateError.outOfMemory
    }
    defer { inflateEnd(&stream) }
    return try file.withBytes(range) { source throws(InflateError) in
      try expand(&stream, source, limit: limit).bytes
    }
  }

  /// Calls `body` with what `range` of the file expands to, piece by piece. What has been read need not stay
  /// in memory beside what it became.
  ///
  /// - Throws: as above, and what `body` throws.
  static func forEachPiece(
    of file: MappedFile, _ range: Range<Int>, _ container: Container, limit: Int,
    _ body: (ArraySlice<UInt8>) throws(InflateError) -> Void
  ) throws(InflateError) {
    var stream = z_stream()
    guard decaf_inflate_init(&stream, container == .zlib ? 15 : -15) == Z_OK else {
      throw InflateError.outOfMemory
    }
    defer { inflateEnd(&stream) }
    var left = range
    try file.withBytes(range) { source throws(InflateError) in
      _ = try expand(&stream, source, limit: limit) { piece, taken throws(InflateError) in
        try body(piece)
        let place = range.lowerBound + taken
        if place - left.lowerBound >= keptInput {
          file.isDone(with: left.lowerBound..<place)
          left = place..<range.upperBound
        }
      }
    }
    file.isDone(with: left)
  }

  /// What a gzip file (RFC 1952) expands to: all its members, one after the other.
  ///
  /// - Throws: as above.
  package static func gzip(_ file: MappedFile, limit: Int) throws(InflateError) -> [UInt8] {
    try file.withBytes { source throws(InflateError) in try gzip(source, limit: limit) }
  }

  /// As above, of bytes in memory.
  package static func gzip(_ bytes: [UInt8], limit: Int) throws(InflateError) -> [UInt8] {
    let result = bytes.withUnsafeBytes { source in
      Result { () throws(InflateError) in try gzip(source, limit: limit) }
    }
    return try result.get()
  }

  private static func gzip(
    _ source: UnsafeRawBufferPointer, limit: Int
  ) throws(InflateError) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    repeat {
      var stream = z_stream()
      // 16 more window bits: gzip's header and checksum.
      guard decaf_inflate_init(&stream, 15 + 16) == Z_OK else { throw InflateError.outOfMemory }
      defer { inflateEnd(&stream) }
      let rest = UnsafeRawBufferPointer(rebasing: source[start...])
      let (bytes, taken) = try expand(&stream, rest, limit: limit - result.count)
      if result.isEmpty { result = bytes } else { result += bytes }
      start += taken
      // Zeros may fill the last block of a tape.
    } while source[start...].contains { $0 != 0 }
    return result
  }

  /// What one stream expands to, and the bytes it takes.
  private static func expand(
    _ stream: inout z_stream, _ source: UnsafeRawBufferPointer, limit: Int
  ) throws(InflateError) -> (bytes: [UInt8], taken: Int) {
    var result: [UInt8] = []
    let taken = try expand(&stream, source, limit: limit) { piece, _ in result += piece }
    return (result, taken)
  }

  /// Hands out what one stream expands to, and the bytes it has taken so far; those it takes.
  private static func expand(
    _ stream: inout z_stream, _ source: UnsafeRawBufferPointer, limit: Int,
    _ body: (_ piece: ArraySlice<UInt8>, _ taken: Int) throws(InflateError) -> Void
  ) throws(InflateError) -> Int {
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    var (taken, count) = (0, 0)
    while true {
      let part = UnsafeRawBufferPointer(
        rebasing: source[taken..<min(source.count, taken + maximumInput)])
      let (code, read, written) = step(&stream, part, &piece)
      taken += read
      count += written
      guard count <= limit else { throw .tooLong(limit: limit) }
      try body(piece[..<written], taken)
      if code == Z_STREAM_END { return taken }
      if code == Z_MEM_ERROR { throw .outOfMemory }
      // No progress with input at its end: the rest is missing.
      if code == Z_BUF_ERROR || (code == Z_OK && read == 0 && written == 0) { throw .endsEarly }
      if code != Z_OK { throw .damaged }
    }
  }

  /// CRC-32 (ISO 3309) of bytes, as ZIP archives record it.
  ///
  /// - Parameter start: of the bytes before these; 0 where there are none.
  package static func checksum(_ bytes: Span<UInt8>, after start: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { raw in
      guard let base = raw.bindMemory(to: UInt8.self).baseAddress else { return start }
      return UInt32(crc32_z(UInt(start), base, raw.count))
    }
  }

  /// Input that stays in memory once it is read.
  private static let keptInput = 1 << 23

  /// zlib counts input in 32 bits.
  private static let maximumInput = 1 << 30

  private static func step(
    _ stream: inout z_stream, _ source: UnsafeRawBufferPointer, _ piece: inout [UInt8]
  ) -> (code: Int32, read: Int, written: Int) {
    let input = source.bindMemory(to: UInt8.self).baseAddress
    let capacity = piece.count
    return piece.withUnsafeMutableBufferPointer { output in
      // zlib reads through the pointer only; its type lacks `const` in builds without ZLIB_CONST.
      stream.next_in = UnsafeMutablePointer(mutating: input)
      stream.avail_in = UInt32(source.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(capacity)
      let code = inflate(&stream, Z_NO_FLUSH)
      return (code, source.count - Int(stream.avail_in), capacity - Int(stream.avail_out))
    }
  }
}

/// Why compressed bytes cannot be read.
package enum InflateError: Error, Equatable, Sendable, CustomStringConvertible {
  case damaged
  case endsEarly
  case tooLong(limit: Int)
  case outOfMemory

  package var description: String {
    switch self {
    case .damaged: "the compressed data are damaged"
    case .endsEarly: "the compressed data end early"
    case .tooLong(let limit): "the compressed data expand to more than \(limit) bytes"
    case .outOfMemory: "there is no memory to expand the compressed data"
    }
  }
}
