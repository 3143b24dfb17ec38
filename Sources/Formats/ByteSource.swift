package import Files

/// A part of an array of bytes, or of a mapped file.
package enum ByteSource: Sendable {
  case memory([UInt8], Range<Int>)
  case file(MappedFile, Range<Int>)

  package init(_ bytes: [UInt8]) { self = .memory(bytes, bytes.indices) }

  package init(_ file: MappedFile) { self = .file(file, 0..<file.byteCount) }

  package var count: Int {
    switch self {
    case .memory(_, let range), .file(_, let range): range.count
    }
  }

  /// Calls `body` with all the bytes.
  package func withSpan<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    switch self {
    case .memory(let bytes, let range): try body(bytes.span.extracting(range))
    case .file(let file, let range): try file.withSpan(range, body)
    }
  }

  /// A part of these bytes, without copying them.
  package subscript(range: Range<Int>) -> ByteSource {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes beyond the source")
    switch self {
    case .memory(let bytes, let outer): return .memory(bytes, Self.shift(range, outer))
    case .file(let file, let outer): return .file(file, Self.shift(range, outer))
    }
  }

  package func bytes(_ range: Range<Int>) -> [UInt8] {
    switch self[range] {
    case .memory(let bytes, let range): Array(bytes[range])
    case .file(let file, let range): file.bytes(range)
    }
  }

  /// The unsigned little-endian integer in `byteCount` bytes at `offset`.
  package func integer(at offset: Int, byteCount: Int) -> Int {
    Int(truncatingIfNeeded: withSpan { $0.integer(at: offset, byteCount: byteCount) })
  }

  private static func shift(_ range: Range<Int>, _ outer: Range<Int>) -> Range<Int> {
    outer.lowerBound + range.lowerBound..<outer.lowerBound + range.upperBound
  }
}

extension Span<UInt8> {
  /// The unsigned little-endian integer in `byteCount` bytes at `offset`.
  @inline(__always)
  package func integer(at offset: Int, byteCount: Int) -> UInt64 {
    var bits: UInt64 = 0
    for i in 0..<byteCount { bits |= UInt64(self[offset + i]) << (8 * UInt64(i)) }
    return bits
  }
}
