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
}
