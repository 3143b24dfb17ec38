internal import Files

/// Scoped and copying access that needs no pointers at the caller.
extension MappedFile {
  /// Appends `count` little-endian float32 values that start at byte `offset`.
  package func appendFloat32(_ count: Int, at offset: Int, to values: inout [Float]) {
    withBytes(offset..<offset + 4 * count) { FloatBytes.decodeFloat32($0, into: &values) }
  }

  /// Calls `body` with `count` little-endian float32 values that start at byte `offset`, where they
  /// lie.
  ///
  /// - Returns: nil where they are not aligned, and `body` was not called.
  package func withFloat32<R, E: Error>(
    _ count: Int, at offset: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R? {
    try withBytes(offset..<offset + 4 * count) { bytes throws(E) -> R? in
      if let base = bytes.baseAddress, UInt(bitPattern: base) % 4 != 0 { return nil }
      let floats = bytes.assumingMemoryBound(to: Float.self)
      return try body(floats.span)
    }
  }

  /// Appends `count` little-endian float16 values that start at byte `offset`.
  package func appendFloat16(_ count: Int, at offset: Int, to values: inout [Float]) {
    withBytes(offset..<offset + 2 * count) { FloatBytes.decodeFloat16($0, into: &values) }
  }
}
