package import Images
package import Tensors

/// From an image file's bytes to a network's inputs, on one thread: decode, resize, crop, subtract the
/// mean. The pixels' memory is used again for image after image.
package final class InputWriter {
  /// Time spent so far, in seconds.
  package struct Clock: Sendable {
    package var decodeSeconds = 0.0
    package var transformSeconds = 0.0

    package init() {}
  }

  package private(set) var clock = Clock()
  private let transform: InputTransform
  private let mode: DecodeMode
  private let resampler: Resampler
  private let pixels = PixelBuffer()

  package init(
    _ transform: InputTransform, views: Views, mode: DecodeMode, kernels: NetworkKernels
  ) {
    self.transform = transform
    self.mode = mode
    let resize = transform.resize
    resampler = Resampler(
      .init(
        width: resize.width, height: resize.height, swapsRedAndBlue: transform.channels == .bgr,
        scale: Float(transform.scale), mean: transform.mean.map { Float($0) }),
      crops: views.crops(side: transform.crop, width: resize.width, height: resize.height),
      side: transform.crop, kernels: kernels)
  }

  /// Writes the input for each view of an image.
  ///
  /// - Parameters:
  ///   - file: the bytes of the image's file.
  ///   - box: the part of the upright image to use; nil for all of it.
  ///   - place: that of a view, 3 × crop × crop. The values are mean-subtracted pixel
  ///     values, within 1e-3 grey level of the exact result.
  /// - Returns: what the decoder remarked about damaged data; nil for nothing.
  /// - Throws: `ImageError`; the places are then as they were.
  package func write(
    _ file: [UInt8], box: Box?, into place: (_ view: Int) -> ImagePlace
  ) throws(ImageError) -> String? {
    let begin = ContinuousClock.now
    let resize = transform.resize
    let warning = try ImageDecoder.decode(
      file, mode, alpha: transform.alpha ?? .drop, box: box,
      newSize: { _, _ in (resize.width, resize.height) }, into: pixels)
    let decoded = ContinuousClock.now
    clock.decodeSeconds += (decoded - begin) / .seconds(1)
    write(try pixels.part(box), into: place)
    clock.transformSeconds += (ContinuousClock.now - decoded) / .seconds(1)
    return warning
  }

  /// The upright picture's size at full size, of the last image decoded.
  package var imageSize: (width: Int, height: Int) { (pixels.fullWidth, pixels.fullHeight) }

  /// As above, of pixels already decoded: all of them.
  package func write(_ image: RGBImage, into place: (_ view: Int) -> ImagePlace) {
    let part = { (count: Int) in AxisPart(pixels: 0..<count, length: Double(count)) }
    resampler.run(
      image.pixels.span, width: image.width, parts: (part(image.width), part(image.height)),
      into: place)
  }

  private func write(
    _ parts: (columns: AxisPart, rows: AxisPart), into place: (_ view: Int) -> ImagePlace
  ) {
    pixels.withPixels { resampler.run($0, width: pixels.width, parts: parts, into: place) }
  }
}
