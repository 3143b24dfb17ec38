internal import CWebP
internal import Files

/// Reads WebP files, with and without loss; of an animation the first frame.
///
/// Colour profiles are ignored. A picture with an EXIF orientation is turned upright.
enum WebPDecoder: FormatDecoder {
  static let signature = FileSignature.webP

  static func decode(
    _ bytes: [UInt8], _ request: DecodeRequest, into buffer: PixelBuffer
  ) throws(ImageError) -> String? {
    var header = cwebp_header()
    try check(cwebp_read_header(bytes, bytes.count, &header), bytes)
    let (width, height) = (Int(header.width), Int(header.height))
    try ImageDecoder.requirePixels(
      width: width, height: height, limit: request.pixelLimit)
    let exif = bytes.dropFirst(header.exif_offset).prefix(header.exif_count)
    return try buffer.replace(width: width, height: height, EXIFOrientation(webP: exif)) {
      pixels throws(ImageError) in
      let alpha = request.alpha == .white ? CWEBP_ALPHA_WHITE : CWEBP_ALPHA_DROPPED
      try check(cwebp_decode(bytes, bytes.count, alpha, pixels), bytes)
      return nil
    }
  }

  /// Throws what `status` stands for; libwebp has no words.
  private static func check(_ status: cwebp_status, _ bytes: [UInt8]) throws(ImageError) {
    switch status {
    case CWEBP_OK: return
    case CWEBP_TRUNCATED:
      throw .truncated(reason: "the data ends after \(bytes.count) bytes, before the image does")
    case CWEBP_TOO_MUCH_MEMORY: throw .tooMuchMemory(limitMegabytes: memoryLimit >> 20)
    default: throw .corrupt(.webP, reason: "its pixels cannot be read")
    }
  }

  /// libwebp takes four bytes a pixel at most, of which there are not too many.
  private static let memoryLimit = ImageDecoder.pixelLimit * 4
}

extension EXIFOrientation {
  /// From the EXIF block of a WebP file, which some programs begin like JPEG's.
  fileprivate init(webP exif: ArraySlice<UInt8>) {
    let prefix = Array("Exif\0\0".utf8)
    self.init(exif.starts(with: prefix) ? exif.dropFirst(prefix.count) : exif)
  }
}
