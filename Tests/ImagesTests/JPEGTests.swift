import Foundation
import Images
import Tensors
import TestSupport
import Testing

@Suite struct JPEGTests {
  /// Smooth in both directions, so that JPEG keeps it well.
  static func gradient(width: Int, height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        pixels.append(UInt8(40 + 150 * x / width))
        pixels.append(UInt8(200 - 150 * y / height))
        pixels.append(UInt8(90 + 30 * x / width + 30 * y / height))
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  static func file(_ options: JPEGEncoder.Options = .init()) throws -> [UInt8] {
    try JPEGEncoder.encode(gradient(width: 45, height: 31), options)
  }

  @Test(arguments: [true, false], [true, false])
  func decodesWhatWasEncoded(isProgressive: Bool, isSubsampled: Bool) throws {
    let image = Self.gradient(width: 45, height: 31)
    let bytes = try JPEGEncoder.encode(
      image, .init(quality: 95, isProgressive: isProgressive, isSubsampled: isSubsampled))
    let decoded = try ImageDecoder.decode(bytes)
    #expect(decoded.warning == nil)
    #expect((decoded.image.width, decoded.image.height) == (45, 31))
    let differences = zip(decoded.image.pixels, image.pixels).map { abs(Int($0) - Int($1)) }
    #expect(differences.max()! <= 8)
  }

  @Test func progressionChangesNoPixel() throws {
    let plain = try ImageDecoder.decode(Self.file())
    #expect(try ImageDecoder.decode(Self.file(.init(isProgressive: true))) == plain)
  }

  @Test func grayHasThreeEqualChannels() throws {
    let pixels = try ImageDecoder.decode(Self.file(.init(isGray: true))).image.pixels
    #expect(pixels.count == 45 * 31 * 3)
    for i in stride(from: 0, to: pixels.count, by: 3) {
      #expect(pixels[i] == pixels[i + 1] && pixels[i] == pixels[i + 2])
    }
  }

  /// An 8×8 CMYK file of Adobe's kind with ink (200, 100, 50, 30), by Pillow:
  /// `Image.new("CMYK", (8, 8), (200, 100, 50, 30)).save(FILE, "JPEG", quality=90, optimize=True)`.
  static let cmyk = Array(
    Data(
      base64Encoded: """
        /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4L\
        CxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAgH\
        Cf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8AHikGa0Df/9k=
        """)!)

  @Test func inkOfAdobesFilesIsInverted() throws {
    let (c, m, y, k) = (200, 100, 50, 30)
    let inverted = try ImageDecoder.decode(Self.cmyk).image.pixels
    // Without Adobe's marker, 18 bytes from the third, the stored values are the ink.
    let plain = try ImageDecoder.decode(Array(Self.cmyk[..<2] + Self.cmyk[18...])).image.pixels
    for (channel, ink) in [c, m, y].enumerated() {
      #expect(abs(Int(inverted[channel]) - (255 - ink) * (255 - k) / 255) <= 2)
      #expect(abs(Int(plain[channel]) - ink * k / 255) <= 2)
    }
  }

  @Test func everyPrefixIsRefused() throws {
    let bytes = try Self.file()
    for count in 2..<bytes.count - 2 {
      #expect(throws: ImageError.self, "\(count) bytes") {
        try ImageDecoder.decode(Array(bytes.prefix(count)))
      }
    }
  }

  @Test func truncationNamesTheRow() throws {
    let noise = RGBImage(
      width: 64, height: 64, pixels: seededPixels(width: 64, height: 64, seed: 7))
    let bytes = try JPEGEncoder.encode(noise)
    let half = bytes.count / 2
    #expect {
      try ImageDecoder.decode(Array(bytes.prefix(half)))
    } throws: { error in
      let beginning = "truncated: the data ends after \(half) bytes, at row "
      return "\(error)".hasPrefix(beginning) && "\(error)".hasSuffix(" of 64")
    }
  }

  /// However the file ends: every pixel is there, or it is told that some are not.
  @Test func aMissingEndMarkerTakesNothingAway() throws {
    let noise = RGBImage(
      width: 64, height: 64, pixels: seededPixels(width: 64, height: 64, seed: 7))
    let bytes = try JPEGEncoder.encode(noise)
    let whole = try ImageDecoder.decode(bytes).image
    for missing in 1...60 {
      do throws(ImageError) {
        let decoded = try ImageDecoder.decode(Array(bytes.dropLast(missing)))
        #expect(decoded.image == whole, "without the last \(missing) bytes")
        #expect(decoded.warning == "the end marker is missing")
      } catch {
        #expect(missing > 2, "the end marker is two bytes: \(error)")
        guard case .truncated = error else {
          Issue.record("without the last \(missing) bytes: \(error)")
          return
        }
      }
    }
  }

  @Test func damageThatLeavesAPictureIsAWarning() throws {
    var bytes = try Self.file()
    let scan = try #require(bytes.segment(0xDA))
    bytes.insert(contentsOf: [1, 2, 3], at: scan.lowerBound)
    let decoded = try ImageDecoder.decode(bytes)
    #expect(decoded.warning == "Corrupt JPEG data: 3 extraneous bytes before marker 0xda")
    #expect(try decoded.image == ImageDecoder.decode(Self.file()).image)
  }

  @Test func randomDamageNeverCrashes() throws {
    let originals = try [Self.file(), Self.file(.init(isProgressive: true)), Self.cmyk]
    for seed in 0..<300 {
      var bytes = originals[seed % 3]
      let noise = seededPixels(width: 6, height: 1, seed: UInt64(seed))
      for i in 0..<1 + seed % 6 {
        let place = 2 + (Int(noise[3 * i]) << 8 | Int(noise[3 * i + 1])) % (bytes.count - 2)
        bytes[place] = noise[3 * i + 2]
      }
      do {
        let image = try ImageDecoder.decode(bytes).image
        #expect(image.pixels.count == image.width * image.height * 3)
      } catch {
        // An `ImageError`, by the decoder's signature: damage may well make a file unreadable.
      }
    }
  }

  @Test func threadsDoNotDisturbEachOther() throws {
    let good = try Self.file(.init(isProgressive: true))
    let bad = Array(good.prefix(good.count / 2))
    let expected = try ImageDecoder.decode(good)
    ThreadTeam(threadCount: 4).forEach(200) { index, _ in
      if index % 3 == 0 {
        #expect(throws: ImageError.self) { try ImageDecoder.decode(bad) }
      } else {
        #expect((try? ImageDecoder.decode(good)) == expected)
      }
    }
  }

  @Test func sameImageGivesTheSameBytes() throws {
    #expect(try Self.file() == Self.file())
    let noise = RGBImage(width: 17, height: 9, pixels: seededPixels(width: 17, height: 9, seed: 5))
    let options = JPEGEncoder.Options(quality: 100, isSubsampled: false)
    #expect(try JPEGEncoder.encode(noise, options).count > 17 * 9)
  }
}

extension [UInt8] {
  /// Where the first segment with `marker` is, its two marker bytes included.
  func segment(_ marker: UInt8) -> Range<Int>? {
    var start = 2
    while start + 4 <= count, self[start] == 0xFF {
      let end = start + 2 + Int(self[start + 2]) << 8 + Int(self[start + 3])
      if self[start + 1] == marker { return start..<end }
      start = end
    }
    return nil
  }
}
