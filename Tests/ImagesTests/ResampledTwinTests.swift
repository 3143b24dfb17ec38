import Images
import TestSupport
import Testing

/// The float twin of `Resampler` against the definition in double precision.
@Suite struct ResampledTwinTests {
  /// Two float roundings of values up to 255, each within 2⁻¹⁷.
  private static let tolerance = 1e-4

  @Test(arguments: [
    (1, 1, 4, 4), (1, 9, 5, 3), (7, 1, 3, 5), (2, 2, 1, 1), (5, 3, 5, 3), (13, 11, 32, 29),
    (40, 31, 7, 5), (50, 37, 16, 64),
  ])
  func resamplesLikeTheSlowTwin(width: Int, height: Int, newWidth: Int, newHeight: Int) {
    let pixels = seededPixels(width: width, height: height, seed: 1)
    let image = RGBImage(width: width, height: height, pixels: pixels)
    let all = Box(x: 0, y: 0, width: newWidth, height: newHeight)
    let result = image.resampled(width: newWidth, height: newHeight, region: all)
    #expect(result.count == newWidth * newHeight * 3)
    for (i, value) in result.enumerated() {
      let expected = slowResampled(
        pixels, width: width, height: height, newWidth: newWidth, newHeight: newHeight,
        x: i / 3 % newWidth, y: i / 3 / newWidth, channel: i % 3)
      #expect(abs(Double(value) - expected) < Self.tolerance, "value \(i)")
    }
  }

  @Test func valuesDoNotDependOnTheRegion() {
    let image = RGBImage(
      width: 33, height: 21, pixels: seededPixels(width: 33, height: 21, seed: 2))
    let all = Box(x: 0, y: 0, width: 16, height: 32)
    let whole = image.resampled(width: 16, height: 32, region: all)
    for part in [
      Box(x: 3, y: 5, width: 7, height: 11), Box(x: 15, y: 31, width: 1, height: 1),
      Box(x: 0, y: 30, width: 16, height: 2),
    ] {
      let result = image.resampled(width: 16, height: 32, region: part)
      for y in 0..<part.height {
        let start = ((part.y + y) * 16 + part.x) * 3
        let expected = whole[start..<start + part.width * 3]
        #expect(Array(expected) == Array(result[y * part.width * 3..<(y + 1) * part.width * 3]))
      }
    }
  }

  @Test func unchangedSizeGivesThePixelsThemselves() {
    let pixels = seededPixels(width: 6, height: 5, seed: 3)
    let image = RGBImage(width: 6, height: 5, pixels: pixels)
    let all = Box(x: 0, y: 0, width: 6, height: 5)
    #expect(image.resampled(width: 6, height: 5, region: all) == pixels.map(Float.init))
  }
}
