/// An upright 8-bit colour image.
package struct RGBImage: Equatable, Sendable {
  package let width: Int
  package let height: Int
  /// `height×width×3`, row-major from the top left, channels in RGB order, 0…255.
  package let pixels: [UInt8]

  /// - Precondition: both sides are positive and `pixels` has `height×width×3` values.
  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "an image has pixels")
    precondition(pixels.count == width * height * 3, "three values a pixel")
    (self.width, self.height, self.pixels) = (width, height, pixels)
  }

  /// The part of the image inside `box`.
  ///
  /// - Throws: `ImageError.emptyBox` when no pixel lies in the box.
  package func cropped(to box: Box) throws(ImageError) -> RGBImage {
    let part = box.clipped(width: width, height: height)
    guard !part.isEmpty else {
      throw .emptyBox(box, imageWidth: width, imageHeight: height)
    }
    if part.width == width && part.height == height { return self }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(part.width * part.height * 3)
    for y in part.y..<part.y + part.height {
      let start = (y * width + part.x) * 3
      pixels += self.pixels[start..<start + part.width * 3]
    }
    return RGBImage(width: part.width, height: part.height, pixels: pixels)
  }
}
