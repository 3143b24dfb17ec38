internal import Files

/// A PNG file of any kind, made of samples that a formula gives; not compressed.
///
/// The writer follows the specification (third edition) by itself: colour types in 11.2.1, passes of
/// interlaced pictures in 8.1, so that no library's reading is compared with its own writing.
package struct DrawnPNG: Sendable, CustomStringConvertible {
  /// 0 gray, 2 colour, 3 palette, 4 gray with alpha, 6 colour with alpha.
  package var colorType: Int
  /// Bits a sample: 1, 2, 4, 8 or 16.
  package var depth: Int
  package var isInterlaced = false
  /// A colour (or gray, or every third entry of the palette) that cannot be seen.
  package var hasTransparency = false
  package var width = 13
  package var height = 11

  package init(colorType: Int, depth: Int) {
    (self.colorType, self.depth) = (colorType, depth)
  }

  /// Every colour type with every depth that it may have.
  package static let kinds: [DrawnPNG] =
    [0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]]
    .sorted { $0.key < $1.key }
    .flatMap { type, depths in depths.map { DrawnPNG(colorType: type, depth: $0) } }

  package var description: String {
    "type \(colorType), \(depth) bits\(isInterlaced ? ", interlaced" : "")"
      + (hasTransparency ? ", transparency" : "")
  }

  private var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colorType]! }
  private var mask: Int { 1 << depth - 1 }

  /// A sample; of a palette, the entry's number.
  package func sample(_ x: Int, _ y: Int, _ channel: Int) -> Int {
    (x * 7919 + y * 104_729 + channel * 31_337 + x * y * 257) >> 2 & mask
  }

  private func paletteEntry(_ index: Int) -> [UInt8] {
    (0..<3).map { UInt8(truncatingIfNeeded: index * 37 + $0 * 85 + 11) }
  }

  /// The samples of the colour that cannot be seen: those of the pixel (2, 3).
  private var invisible: [Int] { (0..<channels).map { sample(2, 3, $0) } }

  private func paletteAlpha(_ index: Int) -> Int { index % 3 == 0 ? index * 40 & 255 : 255 }

  /// A sample as one of 8 bits: spread, or rounded.
  private func eightBits(_ sample: Int) -> Int {
    depth == 16 ? (sample * 255 + 32767) / 65535 : sample * 255 / mask
  }

  /// What the pixel is to become: red, green, blue, and alpha.
  private func pixel(_ x: Int, _ y: Int) -> [Int] {
    let samples = (0..<channels).map { sample(x, y, $0) }
    if colorType == 3 {
      let alpha = hasTransparency ? paletteAlpha(samples[0]) : 255
      return paletteEntry(samples[0]).map { Int($0) } + [alpha]
    }
    let isInvisible = hasTransparency && samples == invisible
    let values = samples.map(eightBits)
    switch channels {
    case 1: return [values[0], values[0], values[0], isInvisible ? 0 : 255]
    case 2: return [values[0], values[0], values[0], values[1]]
    case 3: return values + [isInvisible ? 0 : 255]
    default: return values
    }
  }

  /// The pixels to be expected, `height×width×3`, with transparency dropped or laid on white.
  package func pixels(onWhite: Bool) -> [UInt8] {
    (0..<height).flatMap { y in
      (0..<width).flatMap { x in
        let pixel = pixel(x, y)
        return (0..<3).map { channel in
          let (value, alpha) = (pixel[channel], onWhite ? pixel[3] : 255)
          return UInt8((value * alpha + 255 * (255 - alpha) + 127) / 255)
        }
      }
    }
  }

  /// The samples of every pass, row by row, each after a zero (filter: none).
  private var scanlines: [UInt8] {
    // First column, first row, steps to the right and down.
    let passes =
      isInterlaced
      ? [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2),
      ] : [(0, 0, 1, 1)]
    var bytes: [UInt8] = []
    for (left, top, right, down) in passes where left < width {
      for y in stride(from: top, to: height, by: down) {
        var bits: [Int] = []
        for x in stride(from: left, to: width, by: right) {
          for channel in 0..<channels {
            let sample = sample(x, y, channel)
            bits += (0..<depth).map { sample >> (depth - 1 - $0) & 1 }
          }
        }
        bytes.append(0)
        for start in stride(from: 0, to: bits.count, by: 8) {
          let byte = bits[start..<min(start + 8, bits.count)]
          bytes.append(UInt8(byte.reduce(0) { $0 << 1 | $1 } << (8 - byte.count)))
        }
      }
    }
    return bytes
  }

  private var transparency: [UInt8] {
    colorType == 3
      ? (0...mask).map { UInt8(paletteAlpha($0)) }
      : invisible.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
  }

  /// The file.
  ///
  /// - Parameter chunks: further ones, before the pixels.
  package func file(_ chunks: [UInt8] = []) -> [UInt8] {
    var bytes = Self.signature
    bytes += Self.chunk(
      "IHDR",
      Self.number(width) + Self.number(height)
        + [UInt8(depth), UInt8(colorType), 0, 0, isInterlaced ? 1 : 0])
    if colorType == 3 { bytes += Self.chunk("PLTE", (0...mask).flatMap(paletteEntry)) }
    if hasTransparency { bytes += Self.chunk("tRNS", transparency) }
    bytes += chunks + Self.chunk("IDAT", Self.stored(scanlines)) + Self.chunk("IEND", [])
    return bytes
  }

  package static let signature: [UInt8] = [0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A]

  private static func number(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  package static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return number(data.count) + body + number(Int(Inflate.checksum(body.span)))
  }

  /// A zlib stream that holds the bytes as they are (RFC 1950; RFC 1951, section 3.2.4).
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    for start in stride(from: 0, to: bytes.count, by: 65535) {
      let block = bytes[start..<min(start + 65535, bytes.count)]
      let (low, high) = (UInt8(block.count & 255), UInt8(block.count >> 8))
      stream += [start + 65535 >= bytes.count ? 1 : 0, low, high, ~low, ~high] + block
    }
    var (a, b) = (1, 0)
    for byte in bytes {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    return stream + number(b << 16 | a)
  }
}
