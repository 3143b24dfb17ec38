import Tensors

/// Damages the bytes of sound files: the same damage for the same seed and case.
struct Mutator {
  private var random: SeededGenerator
  private let seeds: [[UInt8]]

  /// Longer than any seed by far: what grows beyond it is cut.
  static let longest = 1 << 17

  init(_ seeds: [[UInt8]], seed: UInt64, caseNumber: Int) {
    self.seeds = seeds
    random = SeededGenerator(seed: seed, stream: UInt64(caseNumber))
  }

  /// One of the sound files after one to four damages.
  mutating func mutated() -> [UInt8] {
    var bytes = seeds[below(seeds.count)]
    // One damage most often: of several, the first hides the others.
    for _ in 0...(below(2) == 0 ? 0 : below(4)) {
      damage(&bytes)
      if bytes.count > Self.longest { bytes.removeLast(bytes.count - Self.longest) }
    }
    return bytes
  }

  private mutating func below(_ bound: Int) -> Int {
    Int(random.next() % UInt64(max(bound, 1)))
  }

  /// A range, short most often.
  private mutating func range(in bytes: [UInt8]) -> Range<Int> {
    let start = below(bytes.count + 1)
    let rest = bytes.count - start
    return start..<start + min(rest, below(below(3) == 0 ? rest + 1 : 17))
  }

  private mutating func damage(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = [UInt8(truncatingIfNeeded: random.next())]
      return
    }
    let place = below(bytes.count)
    switch below(12) {
    case 0, 1: bytes[place] ^= 1 << UInt8(below(8))
    case 2:
      let values: [UInt8] = [0, 1, 0x0a, 0x20, 0x2d, 0x7f, 0x80, 0xff]
      bytes[place] = below(2) == 0 ? values[below(values.count)] : UInt8(below(256))
    case 3: bytes.removeLast(below(bytes.count))
    case 4: bytes.removeSubrange(range(in: bytes))
    case 5: bytes.insert(contentsOf: (0..<below(33)).map { _ in UInt8(below(256)) }, at: place)
    case 6: bytes.insert(contentsOf: bytes[range(in: bytes)], at: place)
    case 7: splice(&bytes)
    case 8, 9, 10: replaceText(&bytes)
    default: replaceInteger(&bytes, at: place)
    }
  }

  /// The start of this and the end of another.
  private mutating func splice(_ bytes: inout [UInt8]) {
    let other = seeds[below(seeds.count)]
    bytes = Array(bytes.prefix(below(bytes.count + 1))) + other.suffix(below(other.count + 1))
  }

  private static let numbers = [
    "0", "-1", "1", "00", "2147483648", "4294967296", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "1e19", "1e400", "-1e19", "nan", "inf",
    "1:30:00", "0x10", "1.5", "1152921504606846976", "99999999999", "-9223372036854775808",
  ].map { Array($0.utf8) }

  /// Puts a number at a limit in the place of one written in digits.
  private mutating func replaceText(_ bytes: inout [UInt8]) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let start = below(bytes.count)
    guard let first = bytes[start...].firstIndex(where: { digits.contains($0) })
    else { return }
    let end = bytes[first...].firstIndex { !digits.contains($0) } ?? bytes.count
    bytes.replaceSubrange(first..<end, with: Self.numbers[below(Self.numbers.count)])
  }

  private static let integers: [UInt64] = [
    0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
    1 << 40, 1 << 60, 1 << 62, 1 << 63 - 1, 1 << 63, .max,
  ]

  /// Puts a number at a limit in the place of a binary one of 1, 2, 4 or 8 bytes, in either order.
  private mutating func replaceInteger(_ bytes: inout [UInt8], at place: Int) {
    let size = 1 << below(4)
    let value = Self.integers[below(Self.integers.count)]
    let isBigEndian = below(4) == 0
    for i in 0..<min(size, bytes.count - place) {
      let shift = UInt64(8 * (isBigEndian ? size - 1 - i : i))
      bytes[place + i] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }
}
