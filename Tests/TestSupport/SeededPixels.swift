/// Seeded pixel values for images without structure: `height×width×3`.
package func seededPixels(width: Int, height: Int, seed: UInt64) -> [UInt8] {
  var state = seed
  return (0..<width * height * 3).map { _ in
    // Knuth's 64-bit linear congruential generator (MMIX); the upper bits are the good ones.
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(state >> 56)
  }
}
