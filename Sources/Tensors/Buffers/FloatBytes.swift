internal import CKernels

/// Floats to and from little-endian bytes, as files hold them.
package enum FloatBytes {
  /// Appends four bytes a value.
  package static func appendFloat32(_ values: Span<Float>, to bytes: inout [UInt8]) {
    // Every platform Swift runs on is little-endian; `store` below would hide a mistake.
    precondition(Int(littleEndian: 1) == 1, "big-endian platforms are not supported")
    values.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  /// Appends two bytes a value, rounded to nearest even.
  ///
  /// - Returns: how many finite values became infinite.
  package static func appendFloat16(_ values: Span<Float>, to bytes: inout [UInt8]) -> Int {
    var overflowCount = 0
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: 2 * values.count))
    bytes.withUnsafeMutableBytes { raw in
      for i in 0..<values.count {
        let half = float16Bits(values[i])
        if half & 0x7fff == 0x7c00 && values[i].isFinite { overflowCount += 1 }
        raw.storeBytes(of: half.littleEndian, toByteOffset: start + 2 * i, as: UInt16.self)
      }
    }
    return overflowCount
  }

  /// Appends the values in `bytes`, four bytes each.
  package static func decodeFloat32(_ bytes: UnsafeRawBufferPointer, into values: inout [Float]) {
    precondition(bytes.count % 4 == 0, "bytes left over")
    let old = values.count
    values.append(contentsOf: repeatElement(0, count: bytes.count / 4))
    values.withUnsafeMutableBytes { target in
      UnsafeMutableRawBufferPointer(rebasing: target[(4 * old)...]).copyMemory(from: bytes)
    }
  }

  /// Appends the values in `bytes`, two bytes each; exact.
  package static func decodeFloat16(_ bytes: UnsafeRawBufferPointer, into values: inout [Float]) {
    precondition(bytes.count % 2 == 0, "bytes left over")
    let old = values.count
    values.append(contentsOf: repeatElement(0, count: bytes.count / 2))
    values.withUnsafeMutableBufferPointer { target in
      guard let source = bytes.baseAddress else { return }
      if UInt(bitPattern: source) % 2 == 0 {
        TrainingKernels.fastest.table.pointee.widen_f16(
          source.assumingMemoryBound(to: UInt16.self), bytes.count / 2,
          target.baseAddress! + old)
        return
      }
      for i in 0..<bytes.count / 2 {
        let half = bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
        target[old + i] = float32(UInt16(littleEndian: half))
      }
    }
  }

  /// The IEEE 754 binary16 nearest to `value`, ties to even; NaN becomes 0x7e00 with its sign.
  package static func float16Bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    if magnitude >= 0x4780_0000 {  // 65536, infinity or NaN
      return sign | (magnitude > 0x7f80_0000 ? 0x7e00 : 0x7c00)
    }
    if magnitude < 0x3880_0000 {
      // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴, which is what floats in 0.5..<1 are: adding 0.5
      // makes the processor do the rounding.
      let shifted = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: shifted.bitPattern &- Float(0.5).bitPattern)
    }
    // Rebias the exponent by −112 and add just under half a unit, or half when the unit is odd.
    let isOdd = magnitude >> 13 & 1
    return sign | UInt16(truncatingIfNeeded: (magnitude &+ 0xc800_0fff &+ isOdd) >> 13)
  }

  /// The value of an IEEE 754 binary16.
  package static func float32(_ half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    let magnitude = UInt32(half & 0x7fff)
    if magnitude >= 0x7c00 {
      return Float(bitPattern: sign | 0x7f80_0000 | (magnitude & 0x3ff) << 13)
    }
    if magnitude < 0x400 {
      return Float(bitPattern: sign | (Float(magnitude) * 0x1p-24).bitPattern)
    }
    return Float(bitPattern: sign | (magnitude << 13) &+ 0x3800_0000)
  }
}
