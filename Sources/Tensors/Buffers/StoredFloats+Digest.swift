package import Files

extension StoredFloats {
  /// Adds the numbers to `hasher` as little-endian float32, piece by piece.
  ///
  /// - Returns: the index of the first number that is NaN or infinite, where it stops; nil if none is.
  package func update(_ hasher: inout SHA256Digest.Hasher) -> Int? {
    let pieceCount = 1 << 18
    var first = 0
    while first < count {
      let range = first..<min(first + pieceCount, count)
      let bad = withFloats(range) { floats in
        // One reduction without a branch first: looking for the culprit is for the rare case.
        var exponents: UInt32 = 0
        for i in floats.indices {
          exponents |= floats[i].bitPattern & 0x7f80_0000 == 0x7f80_0000 ? 1 : 0
        }
        floats.withUnsafeBytes { hasher.update($0) }
        return exponents == 0 ? nil : floats.indices.first { !floats[$0].isFinite }
      }
      if let bad { return first + bad }
      first = range.upperBound
    }
    return nil
  }
}
