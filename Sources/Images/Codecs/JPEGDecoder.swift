internal import CJPEG
internal import Files

/// A decoded image, and what the decoder had to say about its file.
package struct DecodedImage: Equatable, Sendable {
  package let image: RGBImage
  /// The first warning about damaged data, and how many more there were; nil for none.
  package let warning: String?
}

/// Reads JPEG files of every 8-bit kind: baseline, progressive, arithmetic; gray, YCbCr, RGB, CMYK
/// and YCCK; any sampling.
///
/// At full size or less (`DecodeMode`), by the accurate integer transform, smooth chroma upsampling. Gray
/// becomes three equal channels. CMYK is turned into RGB by R = C·K/255 on inverted values, as in
/// Adobe's files, else R = (255−C)(255−K)/255, and so on. Colour profiles are ignored. The image is
/// turned upright as its EXIF orientation says.
package enum JPEGDecoder {
  /// Larger images are refused.
  package static let pixelLimit = 80_000_000
  /// Scans of a progressive file; honest ones have about ten.
  package static let scanLimit = 100
  /// Bytes of libjpeg's own buffers. A progressive image is held as coefficients, three bytes a pixel
  /// when chroma is subsampled; with the pixels themselves this stays below 512 MB.
  package static let memoryLimit = 256 << 20

  /// Decodes a JPEG file at full size.
  ///
  /// - Throws: `ImageError`: `.notJPEG` for other formats, by their name; `.truncated` whenever the
  ///   data ends early; `.corrupt`, `.unsupported` and the limits' cases.
  package static func decode(_ bytes: [UInt8]) throws(ImageError) -> DecodedImage {
    let buffer = PixelBuffer()
    let warning = try decode(bytes, into: buffer) { _, _ in 8 }
    let pixels = buffer.withPixels { span in (0..<span.count).map { span[$0] } }
    return DecodedImage(
      image: RGBImage(width: buffer.width, height: buffer.height, pixels: pixels),
      warning: warning)
  }

  /// Decodes a JPEG file into `buffer`.
  ///
  /// - Parameters:
  ///   - box: the part of the upright picture that will be used; nil for all of it.
  ///   - newWidth, newHeight: what that part will be resized to.
  /// - Returns: the first warning about damaged data, and how many more there were; nil for none.
  /// - Throws: as above.
  package static func decode(
    _ bytes: [UInt8], _ mode: DecodeMode, box: Box?, newWidth: Int, newHeight: Int,
    into buffer: PixelBuffer
  ) throws(ImageError) -> String? {
    try decode(bytes, into: buffer) { width, height in
      let part = box?.clipped(width: width, height: height)
      return mode.eighths(
        width: part?.width ?? width, height: part?.height ?? height, newWidth: newWidth,
        newHeight: newHeight)
    }
  }

  /// - Parameter eighths: gives the size to decode at from that of the upright picture.
  private static func decode(
    _ bytes: [UInt8], into buffer: PixelBuffer, eighths: (_ width: Int, _ height: Int) -> Int
  ) throws(ImageError) -> String? {
    guard bytes.starts(with: [0xFF, 0xD8]) else {
      throw .notJPEG(found: description(ofNotJPEG: bytes))
    }
    let header = try header(of: bytes)
    let (width, height) = (Int(header.width), Int(header.height))
    guard width * height <= pixelLimit else {
      throw .tooManyPixels(width: width, height: height, limit: pixelLimit)
    }
    let exif = bytes.dropFirst(Int(header.exif_offset)).prefix(Int(header.exif_count))
    let orientation = EXIFOrientation(exif)
    let isTransposed = orientation.isTransposed
    let (fullWidth, fullHeight) = isTransposed ? (height, width) : (width, height)
    let eighths = eighths(fullWidth, fullHeight)
    return try buffer.replace(fullWidth: fullWidth, fullHeight: fullHeight, eighths: eighths) {
      pixels throws(ImageError) in
      var limits = cjpeg_limits(scans: Int32(scanLimit), memory: memoryLimit)
      var report = cjpeg_report()
      let status = cjpeg_decode(
        bytes, bytes.count, orientation.rawValue, Int32(eighths), &limits, pixels, &report)
      try check(status, report)
      return warning(report)
    }
  }

  private static func header(of bytes: [UInt8]) throws(ImageError) -> cjpeg_header {
    var header = cjpeg_header()
    var report = cjpeg_report()
    try check(cjpeg_read_header(bytes, bytes.count, &header, &report), report)
    return header
  }

  /// Throws what `status` stands for, in libjpeg's words.
  private static func check(_ status: cjpeg_status, _ report: cjpeg_report) throws(ImageError) {
    let reason = string(report.error)
    switch status {
    case CJPEG_OK: return
    case CJPEG_TRUNCATED: throw .truncated(reason: reason)
    case CJPEG_UNSUPPORTED: throw .unsupported(reason: reason)
    case CJPEG_TOO_MANY_SCANS: throw .tooManyScans(limit: scanLimit)
    case CJPEG_TOO_MUCH_MEMORY: throw .tooMuchMemory(limitMegabytes: memoryLimit >> 20)
    default: throw .corrupt(reason: reason)
    }
  }

  private static func warning(_ report: cjpeg_report) -> String? {
    switch report.warning_count {
    case 0: nil
    case 1: string(report.warning)
    default: "\(string(report.warning)) (and \(report.warning_count - 1) more)"
    }
  }

  private static func description(ofNotJPEG bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "an empty file" }
    if let format = FileSignature(Array(bytes.prefix(FileSignature.longest))) {
      return format.description
    }
    let isText = bytes.prefix(300).allSatisfy { $0 >= 32 && $0 < 127 || $0.isWhiteSpace }
    return isText ? "plain text" : "data of an unknown format"
  }
}

/// The text in a C array of characters that ends at a zero.
func string<Characters>(_ characters: Characters) -> String {
  withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
