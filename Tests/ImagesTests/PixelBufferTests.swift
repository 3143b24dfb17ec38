import Tensors
import Testing

@testable import Images

@Suite struct PixelBufferTests {
  /// A buffer with `width`×`height` pixels of a picture at `eighths` of its size.
  private func buffer(_ width: Int, _ height: Int, eighths: Int = 8) throws -> PixelBuffer {
    let buffer = PixelBuffer()
    try buffer.replace(fullWidth: width, fullHeight: height, eighths: eighths) { pixels in
      for i in 0..<buffer.width * buffer.height * 3 { pixels[i] = UInt8(i % 251) }
    }
    return buffer
  }

  @Test func allOfThePictureIsTheDefault() throws {
    let parts = try buffer(4, 3).part(nil)
    #expect(parts.columns == AxisPart(pixels: 0..<4, length: 4))
    #expect(parts.rows == AxisPart(pixels: 0..<3, length: 3))
  }

  @Test func boxesAreClippedToThePicture() throws {
    let parts = try buffer(4, 3).part(Box(x: 2, y: -1, width: 99, height: 3))
    #expect(parts.columns == AxisPart(pixels: 2..<4, length: 2))
    #expect(parts.rows == AxisPart(pixels: 0..<2, length: 2))
  }

  @Test func boxesOfASmallerPictureMayCutPixels() throws {
    let buffer = try buffer(1001, 800, eighths: 2)
    #expect((buffer.width, buffer.height) == (251, 200))
    let parts = try buffer.part(Box(x: 10, y: 8, width: 500, height: 401))
    #expect(parts.columns == AxisPart(pixels: 2..<128, start: 0.5, length: 125))
    #expect(parts.rows == AxisPart(pixels: 2..<103, length: 100.25))
    #expect(try buffer.part(nil).columns == AxisPart(pixels: 0..<251, length: 250.25))
  }

  @Test func smallerPicturesFollowLargerOnes() throws {
    let buffer = try buffer(9, 7)
    try buffer.replace(fullWidth: 2, fullHeight: 1, eighths: 8) { $0[0] = 77 }
    buffer.withPixels { #expect($0.count == 6 && $0[0] == 77) }
  }

  @Test(arguments: [
    Box(x: 4, y: 0, width: 1, height: 1), Box(x: -3, y: 0, width: 3, height: 3),
    Box(x: 0, y: 0, width: 0, height: 2), Box(x: 0, y: 0, width: 2, height: -1),
    Box(x: .max, y: .max, width: .max, height: .max),
    Box(x: .min, y: .min, width: .min, height: .min),
  ])
  func boxWithoutPixelsIsAnError(box: Box) throws {
    let buffer = try buffer(4, 3)
    #expect(throws: ImageError.emptyBox(box, imageWidth: 4, imageHeight: 3)) {
      try buffer.part(box)
    }
  }
}
