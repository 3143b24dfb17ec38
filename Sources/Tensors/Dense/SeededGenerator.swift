/// Random numbers that a seed alone decides, the same on every machine.
///
/// SplitMix64 (Steele, Lea and Flood, “Fast splittable pseudorandom number generators”, 2014).
/// Normal numbers are made without logarithm and cosine, whose last bits differ between C
/// libraries.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The generator as published, beginning at `state`.
  init(state: UInt64) { self.state = state }

  /// - Parameter stream: numbers of two streams of one seed have nothing to do with each other.
  package init(seed: UInt64, stream: UInt64 = 0) {
    state = seed
    let offset = next()
    state = offset ^ (stream &* 0xD134_2543_DE82_EF95)
    _ = next()
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in 0..<1, a multiple of 2⁻⁵³.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Nearly normal, mean 0, variance 1: the sum of twelve uniform numbers (Irwin–Hall), taken from
  /// three words. Exact in `Float`; no number is beyond ±6.
  package mutating func normal() -> Float {
    var sum: UInt64 = 0
    for _ in 0..<3 {
      let word = next()
      sum += (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + word >> 48
    }
    // Twelve times the mean of 0…65535, in halves: 12 · 65535 / 2.
    return Float(Int(sum) - 393_210) * 0x1p-16
  }
}
