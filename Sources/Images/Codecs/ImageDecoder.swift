internal import Files

/// A decoded image, and what the decoder had to say about its file.
package struct DecodedImage: Equatable, Sendable {
  package let image: RGBImage
  /// The first warning about damaged data, and how many more there were; nil for none.
  package let warning: String?
}

/// What is wanted of an image's file besides its pixels.
struct DecodeRequest {
  /// What becomes of transparency.
  var alpha = AlphaRule.drop
  /// Larger images are refused.
  var pixelLimit = ImageDecoder.pixelLimit
  /// The eighths of full size to decode at, where the format can, from the upright picture's size.
  var eighths: (_ width: Int, _ height: Int) -> Int = { _, _ in 8 }
}

/// A kind of image file that is decoded; one conformer a file, named in `ImageDecoder.formats`.
protocol FormatDecoder: Sendable {
  static var signature: FileSignature { get }

  /// Decodes a file that begins with the signature.
  ///
  /// - Returns: what the decoder remarked about damaged data; nil for nothing.
  static func decode(
    _ bytes: [UInt8], _ request: DecodeRequest, into buffer: PixelBuffer
  ) throws(ImageError) -> String?
}

/// Reads image files: JPEG, PNG and WebP, told apart by their contents.
///
/// Pixels are 8-bit RGB, upright; gray is three equal channels, colour profiles are ignored.
package enum ImageDecoder {
  /// Larger images are refused where nobody says otherwise.
  package static let pixelLimit = 80_000_000

  private static let formats: [any FormatDecoder.Type] = [
    JPEGDecoder.self, PNGDecoder.self, WebPDecoder.self,
  ]

  /// Decodes a file at full size.
  ///
  /// - Throws: `ImageError`: `.notAnImage` for other formats, by their name; `.truncated` whenever the
  ///   data ends early; `.corrupt`, `.unsupported` and the limits' cases.
  package static func decode(
    _ bytes: [UInt8], alpha: AlphaRule = .drop
  ) throws(ImageError) -> DecodedImage {
    let buffer = PixelBuffer()
    let warning = try decode(bytes, DecodeRequest(alpha: alpha), into: buffer)
    let pixels = buffer.withPixels { span in (0..<span.count).map { span[$0] } }
    return DecodedImage(
      image: RGBImage(width: buffer.width, height: buffer.height, pixels: pixels),
      warning: warning)
  }

  /// Decodes a file into `buffer`.
  ///
  /// - Parameters:
  ///   - box: the part of the upright picture that will be used; nil for all of it.
  ///   - pixelLimit: larger images are refused.
  ///   - newSize: what a part of this size will be resized to.
  /// - Returns: the first warning about damaged data, and how many more there were; nil for none.
  /// - Throws: as above.
  package static func decode(
    _ bytes: [UInt8], _ mode: DecodeMode, alpha: AlphaRule, box: Box?,
    pixelLimit: Int = ImageDecoder.pixelLimit,
    newSize: @escaping (_ width: Int, _ height: Int) -> (width: Int, height: Int),
    into buffer: PixelBuffer
  ) throws(ImageError) -> String? {
    let request = DecodeRequest(alpha: alpha, pixelLimit: pixelLimit) { width, height in
      let part = box?.clipped(width: width, height: height)
      let (width, height) = (part?.width ?? width, part?.height ?? height)
      // A box beside the picture is refused later.
      if width == 0 || height == 0 { return 8 }
      let target = newSize(width, height)
      return mode.eighths(
        width: width, height: height, newWidth: target.width, newHeight: target.height)
    }
    return try decode(bytes, request, into: buffer)
  }

  private static func decode(
    _ bytes: [UInt8], _ request: DecodeRequest, into buffer: PixelBuffer
  ) throws(ImageError) -> String? {
    let found = FileSignature(Array(bytes.prefix(FileSignature.longest)))
    guard let format = formats.first(where: { $0.signature == found }) else {
      throw .notAnImage(found: found?.description ?? description(ofUnknown: bytes))
    }
    return try format.decode(bytes, request, into: buffer)
  }

  private static func description(ofUnknown bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "an empty file" }
    let isText = bytes.prefix(300).allSatisfy { $0 >= 32 && $0 < 127 || $0.isWhiteSpace }
    return isText ? "plain text" : "data of an unknown format"
  }
}

extension ImageDecoder {
  /// Throws where a header claims more pixels than are decoded.
  static func requirePixels(width: Int, height: Int, limit: Int) throws(ImageError) {
    let (count, overflows) = width.multipliedReportingOverflow(by: height)
    if overflows || count > limit {
      throw .tooManyPixels(width: width, height: height, limit: limit)
    }
  }

  /// The words on `count` warnings of which `first` is the first; nil for none.
  static func warning(_ first: String, count: Int) -> String? {
    switch count {
    case 0: nil
    case 1: first
    default: "\(first) (and \(count - 1) more)"
    }
  }
}
