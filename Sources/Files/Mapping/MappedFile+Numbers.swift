extension MappedFile {
  /// The byte at `offset`.
  package func byte(at offset: Int) -> UInt8 {
    withBytes(offset..<offset + 1) { $0[0] }
  }

  /// Four bytes at `offset` as a little-endian float32; they need not be aligned.
  package func float(at offset: Int) -> Float {
    withBytes(offset..<offset + 4) { $0.loadUnaligned(as: Float.self) }
  }
}
