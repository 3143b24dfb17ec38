import Testing

@testable import Images

@Suite struct DecodeModeTests {
  @Test(arguments: [
    (500, 375, 8), (511, 512, 8), (512, 512, 4), (1000, 750, 4), (1023, 1024, 4),
    (1024, 1024, 2), (2000, 1500, 2), (2048, 2047, 2), (2048, 2048, 1), (9000, 9000, 1),
    (256, 256, 8), (100, 9000, 8),
  ])
  func fastKeepsBothSidesAsLargeAsTheTarget(width: Int, height: Int, eighths: Int) {
    let size = (width, height, 256, 256)
    #expect(
      DecodeMode.fast.eighths(width: size.0, height: size.1, newWidth: 256, newHeight: 256)
        == eighths)
    #expect(
      DecodeMode.exact.eighths(width: size.0, height: size.1, newWidth: 256, newHeight: 256) == 8)
  }

  /// A smooth picture of 301×203 pixels as a file, with an EXIF orientation.
  private func file(_ options: JPEGEncoder.Options, orientation: UInt8 = 1) throws -> [UInt8] {
    var bytes = try JPEGEncoder.encode(JPEGTests.gradient(width: 301, height: 203), options)
    let exif: [UInt8] =
      Array("Exif\0\0".utf8) + [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3]
      + [0, 0, 0, 1, 0, orientation, 0, 0]
    bytes.insert(contentsOf: [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif, at: 2)
    return bytes
  }

  @Test(arguments: [true, false], [1, 3, 6])
  func scaledPicturesAreMeansOfTheirPixels(isProgressive: Bool, orientation: UInt8) throws {
    let bytes = try file(
      .init(quality: 97, isProgressive: isProgressive), orientation: orientation)
    let full = try ImageDecoder.decode(bytes).image
    for (side, eighths) in [(150, 8), (101, 4), (50, 2), (25, 1)] {
      let buffer = PixelBuffer()
      let warning = try ImageDecoder.decode(
        bytes, .fast, alpha: .drop, box: nil, newSize: { _, _ in (side, side) }, into: buffer)
      #expect(warning == nil)
      #expect(buffer.eighths == eighths)
      #expect((buffer.fullWidth, buffer.fullHeight) == (full.width, full.height))
      let block = 8 / eighths
      buffer.withPixels { pixels in
        #expect(pixels.count == buffer.width * buffer.height * 3)
        for y in 0..<full.height / block {
          for x in 0..<full.width / block {
            var sum = 0
            for v in 0..<block {
              for u in 0..<block {
                sum += Int(full.pixels[((y * block + v) * full.width + x * block + u) * 3])
              }
            }
            let found = Int(pixels[(y * buffer.width + x) * 3])
            #expect(abs(found * block * block - sum) <= 4 * block * block, "\(x), \(y)")
          }
        }
      }
    }
  }

  @Test func theBoxDecidesNotThePicture() throws {
    let bytes = try file(.init())
    for (box, eighths) in [
      (Box(x: 10, y: 10, width: 80, height: 90), 4), (Box(x: 0, y: 0, width: 79, height: 90), 8),
      (Box(x: 200, y: 0, width: 900, height: 90), 4),
      (Box(x: 999, y: 0, width: 9, height: 9), 8),
    ] {
      let buffer = PixelBuffer()
      _ = try ImageDecoder.decode(
        bytes, .fast, alpha: .drop, box: box, newSize: { _, _ in (40, 40) }, into: buffer)
      #expect(buffer.eighths == eighths, "\(box)")
    }
  }

  @Test func truncationIsFoundAtAnySize() throws {
    let bytes = try file(.init())
    #expect(throws: ImageError.self) {
      try ImageDecoder.decode(
        Array(bytes.prefix(bytes.count - 40)), .fast, alpha: .drop, box: nil,
        newSize: { _, _ in (20, 20) },
        into: PixelBuffer())
    }
  }
}
