import Files
import Images
import TestSupport
import Testing

@Suite struct PNGTests {
  @Test(arguments: DrawnPNG.kinds, [true, false])
  func everyKindGivesItsPixels(kind: DrawnPNG, isInterlaced: Bool) throws {
    var drawn = kind
    drawn.isInterlaced = isInterlaced
    for hasTransparency in kind.colorType < 4 ? [false, true] : [false] {
      drawn.hasTransparency = hasTransparency
      for (width, height) in [(13, 11), (1, 1), (3, 9), (40, 2)] {
        (drawn.width, drawn.height) = (width, height)
        for alpha in AlphaRule.allCases {
          let decoded = try ImageDecoder.decode(drawn.file(), alpha: alpha)
          #expect(decoded.warning == nil, "\(drawn)")
          #expect((decoded.image.width, decoded.image.height) == (width, height))
          let areEqual = decoded.image.pixels == drawn.pixels(onWhite: alpha == .white)
          #expect(areEqual, "\(drawn), \(width)×\(height), \(alpha)")
        }
      }
    }
  }

  private static let colour = DrawnPNG(colorType: 2, depth: 8)

  @Test func everyPrefixIsRefusedOrThePicture() throws {
    for isInterlaced in [false, true] {
      var drawn = Self.colour
      drawn.isInterlaced = isInterlaced
      let bytes = drawn.file()
      let whole = drawn.pixels(onWhite: false)
      for count in 4..<bytes.count {
        do throws(ImageError) {
          let decoded = try ImageDecoder.decode(Array(bytes.prefix(count)))
          #expect(decoded.warning != nil && decoded.image.pixels == whole, "\(count) bytes")
          // The checksum of the pixels' data, the end mark.
          #expect(count >= bytes.count - 16)
        } catch {
          guard case .truncated(let reason) = error else {
            Issue.record("\(count) bytes: \(error)")
            continue
          }
          #expect(reason == "the data ends after \(count) bytes, before the image does")
        }
      }
    }
  }

  @Test func brokenChecksumsAreCorruptWhereTheyCount() throws {
    let sound = Self.colour.file(DrawnPNG.chunk("tEXt", Array("Title\0x".utf8)))
    func broken(_ name: String) throws -> [UInt8] {
      var bytes = sound
      let range = try #require(bytes.firstRange(of: Array(name.utf8)))
      let length = bytes[range.lowerBound - 4..<range.lowerBound].reduce(0) { $0 << 8 | Int($1) }
      bytes[range.upperBound + length] ^= 1
      return bytes
    }
    for name in ["IHDR", "IDAT"] {
      #expect(throws: ImageError.corrupt(.png, reason: "\(name): CRC error")) {
        try ImageDecoder.decode(broken(name))
      }
    }
    let expected = Self.colour.pixels(onWhite: false)
    for name in ["tEXt", "IEND"] {
      let decoded = try ImageDecoder.decode(broken(name))
      #expect(decoded.image.pixels == expected)
      #expect(decoded.warning == "\(name): CRC error")
    }
  }

  @Test func textThatExpandsToAnythingIsNotExpanded() throws {
    // Said to be compressed, and no zlib stream at all: whoever reads it complains.
    let chunks =
      DrawnPNG.chunk("zTXt", Array("a\0\0".utf8) + [1, 2, 3])
      + DrawnPNG.chunk("iCCP", Array("a\0\0".utf8) + [1, 2, 3])
      + DrawnPNG.chunk("gAMA", [0, 0, 0, 99])
    let decoded = try ImageDecoder.decode(Self.colour.file(chunks))
    #expect(decoded.warning == nil)
    #expect(decoded.image.pixels == Self.colour.pixels(onWhite: false))
  }

  @Test func hugeHeadersAreRefusedBeforeAnythingIsAllocated() throws {
    var bytes = Self.colour.file()
    for (side, width) in [([0, 0, 0x30, 0], 0x3000), ([0x7F, 0xFF, 0xFF, 0xFF], 0x7FFF_FFFF)] {
      bytes.replaceSubrange(16..<24, with: (side + side).map { UInt8($0) })
      #expect(
        throws: ImageError.tooManyPixels(
          width: width, height: width, limit: ImageDecoder.pixelLimit)
      ) { try ImageDecoder.decode(bytes) }
    }
    bytes.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 1])
    #expect(throws: ImageError.self) { try ImageDecoder.decode(bytes) }
  }

  @Test(arguments: 1...8)
  func orientationIsApplied(orientation: UInt8) throws {
    let tiff: [UInt8] =
      Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1]
      + [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
    let decoded = try ImageDecoder.decode(Self.colour.file(DrawnPNG.chunk("eXIf", tiff)))
    let stored = RGBImage(
      width: Self.colour.width, height: Self.colour.height,
      pixels: Self.colour.pixels(onWhite: false))
    #expect(decoded.image == EXIFOrientationTests.upright(stored, Int(orientation)))
  }

  @Test func randomDamageNeverCrashes() throws {
    for (seed, kind) in (0..<20).flatMap({ seed in DrawnPNG.kinds.map { (seed, $0) } }) {
      var bytes = kind.file()
      let noise = seededPixels(width: 6, height: 1, seed: UInt64(seed))
      for i in 0..<1 + seed % 6 {
        let place = 8 + (Int(noise[3 * i]) << 8 | Int(noise[3 * i + 1])) % (bytes.count - 8)
        bytes[place] = noise[3 * i + 2]
      }
      if let image = try? ImageDecoder.decode(bytes).image {
        #expect(image.pixels.count == image.width * image.height * 3)
      }
    }
  }
}
