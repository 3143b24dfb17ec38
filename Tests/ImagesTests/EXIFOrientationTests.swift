import Images
import Testing

@Suite struct EXIFOrientationTests {
  /// An EXIF segment with one tag.
  private func exif(
    _ orientation: UInt8, isLittleEndian: Bool = true, tag: [UInt8] = [0x12, 0x01]
  ) -> [UInt8] {
    func number(_ bytes: [UInt8]) -> [UInt8] { isLittleEndian ? bytes : bytes.reversed() }
    let tiff: [UInt8] =
      Array(isLittleEndian ? "II".utf8 : "MM".utf8) + number([42, 0]) + number([8, 0, 0, 0])
      + number([1, 0]) + number(tag) + number([3, 0]) + number([1, 0, 0, 0])
      + number([orientation, 0]) + [0, 0] + [0, 0, 0, 0]
    let body = Array("Exif\0\0".utf8) + tiff
    return [0xFF, 0xE1, 0, UInt8(body.count + 2)] + body
  }

  private func file(_ segments: [UInt8]...) throws -> [UInt8] {
    let bytes = try JPEGTests.file(.init(isSubsampled: false))
    return bytes[..<2] + segments.flatMap { $0 } + bytes[2...]
  }

  /// The slow twin, by the sides that EXIF names for the stored row 0 and column 0.
  static func upright(_ image: RGBImage, _ orientation: Int) -> RGBImage {
    let (width, height) = (image.width, image.height)
    let isTransposed = orientation >= 5
    let (newWidth, newHeight) = isTransposed ? (height, width) : (width, height)
    var pixels = [UInt8](repeating: 0, count: image.pixels.count)
    for y in 0..<height {
      for x in 0..<width {
        let (right, bottom) = (newWidth - 1, newHeight - 1)
        let (newX, newY) =
          switch orientation {
          case 2: (right - x, y)  // row 0 top, column 0 right
          case 3: (right - x, bottom - y)  // bottom, right
          case 4: (x, bottom - y)  // bottom, left
          case 5: (y, x)  // left, top
          case 6: (right - y, x)  // right, top
          case 7: (right - y, bottom - x)  // right, bottom
          case 8: (y, bottom - x)  // left, bottom
          default: (x, y)
          }
        for channel in 0..<3 {
          pixels[(newY * newWidth + newX) * 3 + channel] =
            image.pixels[(y * width + x) * 3 + channel]
        }
      }
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: pixels)
  }

  @Test(arguments: 1...8, [true, false])
  func storedPictureIsTurnedUpright(orientation: Int, isLittleEndian: Bool) throws {
    let stored = try ImageDecoder.decode(file()).image
    let segment = exif(UInt8(orientation), isLittleEndian: isLittleEndian)
    let decoded = try ImageDecoder.decode(file(segment))
    #expect(decoded.image == Self.upright(stored, orientation))
    #expect(decoded.warning == nil)
  }

  @Test func orientationAppliesToCMYK() throws {
    let segment = exif(6)
    let bytes = JPEGTests.cmyk[..<2] + segment + JPEGTests.cmyk[2...]
    let stored = try ImageDecoder.decode(JPEGTests.cmyk).image
    #expect(try ImageDecoder.decode(Array(bytes)).image == Self.upright(stored, 6))
  }

  @Test func firstOfSeveralBlocksCounts() throws {
    let once = try ImageDecoder.decode(file(exif(6)))
    #expect(try ImageDecoder.decode(file(exif(6), exif(3))) == once)
    let xmp: [UInt8] = [0xFF, 0xE1, 0, 10] + Array("http://x".utf8)
    #expect(try ImageDecoder.decode(file(xmp, exif(6))) == once)
  }

  @Test func damagedBlockMeansUpright() throws {
    let upright = try ImageDecoder.decode(file())
    var cutShort = Array(exif(6).prefix(24))
    cutShort[3] = 22
    var outside = exif(6)
    outside[14] = 0xFF  // where the directory starts
    var manyEntries = exif(9, tag: [0x34, 0x12])
    manyEntries[18] = 0xFF
    for segment in [
      cutShort, outside, manyEntries, exif(0), exif(9), exif(6, tag: [0x34, 0x12]),
      [0xFF, 0xE1, 0, 2], [0xFF, 0xE1, 0, 8] + Array("Exif\0\0".utf8),
    ] {
      #expect(try ImageDecoder.decode(file(segment)) == upright)
    }
  }
}
