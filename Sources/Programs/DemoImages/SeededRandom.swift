/// Sebastiano Vigna's SplitMix64: the same numbers for the same seed, everywhere.
struct SeededRandom {
  private var state: UInt64

  /// - Parameter keys: in order, which stream of numbers this is.
  init(_ keys: UInt64...) {
    state = 0
    for key in keys {
      state &+= key
      state = next()
    }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number between the bounds, all equally likely.
  mutating func number(_ range: ClosedRange<Double>) -> Double {
    // 53 bits are what a double holds.
    range.lowerBound + (range.upperBound - range.lowerBound) * Double(next() >> 11) * 0x1p-53
  }

  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }

  /// True in the given fraction of calls.
  mutating func chance(_ fraction: Double) -> Bool { number(0...1) < fraction }
}
