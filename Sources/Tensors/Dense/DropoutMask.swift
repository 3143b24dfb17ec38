/// Replaces random features by 0 and scales the others, so that the mean stays as it was.
package struct DropoutMask: Sendable {
  /// A feature is dropped when its 32 random bits are below this.
  private let threshold: UInt32
  /// The inverse of the share that is kept.
  package let factor: Double

  /// - Parameter probability: of a feature to be dropped, in 0..<1; rounded to a multiple of 2⁻³², for
  ///   `factor` too.
  package init(probability: Double) {
    precondition(probability >= 0 && probability < 1, "no probability below 1")
    threshold = UInt32(min((probability * 0x1p32).rounded(), 0x1p32 - 1))
    factor = 0x1p32 / (0x1p32 - Double(threshold))
  }

  /// Appends `row[j] · scale · factor`, rounded once after the factors were multiplied, or 0.
  ///
  /// Features 2i and 2i + 1 take the low and the high half of the generator's i-th number.
  package func append(
    _ row: Span<Float>, times scale: Double, _ generator: inout SeededGenerator,
    to values: inout [Float]
  ) {
    let (count, start) = (row.count, values.count)
    let scale = Float(scale * factor)
    values.append(contentsOf: repeatElement(0, count: count))
    // Masks in place of branches, which would be guessed wrong half of the time: three times as slow.
    func kept(_ value: Float, _ bits: UInt32) -> Float {
      Float(bitPattern: (value * scale).bitPattern & (bits >= threshold ? .max : 0))
    }
    row.withUnsafeBufferPointer { row in
      values.withUnsafeMutableBufferPointer { values in
        let values = UnsafeMutableBufferPointer(rebasing: values[start...])
        for j in stride(from: 0, to: count - 1, by: 2) {
          let bits = generator.next()
          values[j] = kept(row[j], UInt32(truncatingIfNeeded: bits))
          values[j + 1] = kept(row[j + 1], UInt32(truncatingIfNeeded: bits >> 32))
        }
        if count % 2 == 1 {
          values[count - 1] = kept(
            row[count - 1], UInt32(truncatingIfNeeded: generator.next()))
        }
      }
    }
  }
}
