internal import Files

extension SHA256Digest.Hasher {
  /// Takes numbers bit by bit, little-endian.
  mutating func update(_ values: some Sequence<Float>) {
    update(
      values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) })
  }

  /// Takes numbers bit by bit, little-endian.
  mutating func update(_ values: some Sequence<Double>) {
    update(
      values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) })
  }
}
