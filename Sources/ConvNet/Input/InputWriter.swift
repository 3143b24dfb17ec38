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
  /// Larger images are refused.
  private let pixelLimit: Int
  /// What resizes, in the one way or in all others.
  private enum Method {
    case plain(Resampler)
    case filtered(FilteredResampler)
  }

  /// The layout of the inputs of the image in hand: known before a place for them is asked for.
  package private(set) var inputLayout: MapLayout

  private let method: Method
  private let views: Views
  private let pixels = PixelBuffer()

  package init(
    _ transform: InputTransform, views: Views, mode: DecodeMode,
    pixelLimit: Int = ImageDecoder.pixelLimit, kernels: NetworkKernels
  ) {
    self.pixelLimit = pixelLimit
    self.transform = transform
    self.mode = mode
    self.views = views
    inputLayout = transform.inputLayout
    let resize = transform.resize
    let swaps = transform.channels == .bgr
    let mean = transform.mean.map { Float($0) }
    if transform.isPlain {
      let resampler = Resampler(
        .init(
          width: resize.width, height: resize.height, swapsRedAndBlue: swaps,
          scale: Float(transform.scale), mean: mean),
        crops: views.crops(side: transform.crop, width: resize.width, height: resize.height),
        side: transform.crop, kernels: kernels)
      method = .plain(resampler)
    } else {
      let resampler = FilteredResampler(
        .init(
          antialias: resize.antialias == true, rounds: resize.rounding == .eightBit,
          edge: resize.edge.resamplerEdge),
        .init(
          swapsRedAndBlue: swaps, isUpsideDown: transform.flip == .vertical,
          scale: Float(transform.scale), mean: mean,
          deviation: transform.std?.map { Float($0) } ?? [1, 1, 1],
          meanImage: transform.meanImage?.image))
      method = .filtered(resampler)
    }
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
      file, mode, alpha: transform.alpha ?? .drop, box: box, pixelLimit: pixelLimit,
      newSize: { resize.size(width: $0, height: $1) }, into: pixels)
    let decoded = ContinuousClock.now
    clock.decodeSeconds += (decoded - begin) / .seconds(1)
    let parts = try pixels.part(box)
    let all = Box(x: 0, y: 0, width: pixels.fullWidth, height: pixels.fullHeight)
    let part = (box ?? all).clipped(width: all.width, height: all.height)
    pixels.withPixels {
      write(
        $0, width: pixels.width, parts: parts, size: (part.width, part.height), into: place)
    }
    clock.transformSeconds += (ContinuousClock.now - decoded) / .seconds(1)
    return warning
  }

  /// The upright picture's size at full size, of the last image decoded.
  package var imageSize: (width: Int, height: Int) { (pixels.fullWidth, pixels.fullHeight) }

  /// As above, of pixels already decoded: all of them.
  package func write(_ image: RGBImage, into place: (_ view: Int) -> ImagePlace) {
    let part = { (count: Int) in AxisPart(pixels: 0..<count, length: Double(count)) }
    write(
      image.pixels.span, width: image.width, parts: (part(image.width), part(image.height)),
      size: (image.width, image.height), into: place)
  }

  /// - Parameter size: of the part, in pixels of the picture at full size.
  private func write(
    _ pixels: Span<UInt8>, width: Int, parts: (columns: AxisPart, rows: AxisPart),
    size: (width: Int, height: Int), into place: (_ view: Int) -> ImagePlace
  ) {
    switch method {
    case .plain(let resampler): resampler.run(pixels, width: width, parts: parts, into: place)
    case .filtered(let resampler):
      let new = transform.resize.size(width: size.width, height: size.height)
      for (number, crop) in transform.crops(views, width: new.width, height: new.height)
        .enumerated()
      {
        resampler.run(
          pixels, width: width, parts: parts, newWidth: new.width, newHeight: new.height,
          region: crop.region)
        inputLayout = MapLayout(
          channels: 3, height: crop.region.height, width: crop.region.width)
        for (view, isMirrored) in [(number, false), (number + 5, true)] where view < views.count {
          resampler.write(isMirrored: isMirrored, meanOrigin: crop.origin, into: place(view))
        }
      }
    }
  }
}

extension InputTransform.Resize.Edge? {
  fileprivate var resamplerEdge: FilteredResampler.Edge {
    switch self {
    case .extended?, nil: .extended
    case .black?: .black
    case .darkest?: .darkest
    }
  }
}
