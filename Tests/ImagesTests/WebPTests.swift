import Files
import Images
import TestSupport
import Testing

@Suite struct WebPTests {
  @Test(arguments: WebPFixture.all)
  func pixelsAreThoseOfPillow(fixture: WebPFixture) throws {
    for alpha in AlphaRule.allCases {
      let decoded = try ImageDecoder.decode(fixture.file, alpha: alpha)
      #expect(decoded.warning == nil)
      let expected = RGBImage(
        width: WebPFixture.width, height: WebPFixture.height,
        pixels: alpha == .white ? fixture.pixelsOnWhite : fixture.pixels)
      let isTurned = fixture.description == "turned"
      let areEqual =
        decoded.image == (isTurned ? EXIFOrientationTests.upright(expected, 6) : expected)
      #expect(areEqual, "\(fixture), \(alpha)")
    }
  }

  @Test(arguments: WebPFixture.all)
  func everyPrefixIsTruncatedOrThePicture(fixture: WebPFixture) throws {
    let whole = try ImageDecoder.decode(fixture.file)
    for count in 16..<fixture.file.count {
      do throws(ImageError) {
        // What follows the first frame, or a byte of padding, is not missed.
        let decoded = try ImageDecoder.decode(Array(fixture.file.prefix(count)))
        #expect(decoded.image.pixels.count == whole.image.pixels.count, "\(count) bytes")
      } catch {
        guard case .truncated = error else {
          Issue.record("\(count) bytes: \(error)")
          continue
        }
      }
    }
  }

  @Test func hugeHeadersAreRefused() throws {
    var bytes = try #require(WebPFixture.all.first { $0.description == "losslessAlpha" }).file
    let start = try #require(bytes.firstRange(of: Array("VP8L".utf8))).upperBound + 5
    // Width and height, less one, of 14 bits each.
    bytes.replaceSubrange(start..<start + 4, with: [0xFF, 0xFF, 0xFF, 0x1F])
    #expect(throws: ImageError.self) { try ImageDecoder.decode(bytes) }
  }

  @Test func randomDamageNeverCrashes() throws {
    for seed in 0..<300 {
      var bytes = WebPFixture.all[seed % WebPFixture.all.count].file
      let noise = seededPixels(width: 6, height: 1, seed: UInt64(seed))
      for i in 0..<1 + seed % 6 {
        let place = 12 + (Int(noise[3 * i]) << 8 | Int(noise[3 * i + 1])) % (bytes.count - 12)
        bytes[place] = noise[3 * i + 2]
      }
      if let image = try? ImageDecoder.decode(bytes).image {
        #expect(image.pixels.count == image.width * image.height * 3)
      }
    }
  }
}
