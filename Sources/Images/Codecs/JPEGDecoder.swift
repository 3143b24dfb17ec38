internal import CJPEG
internal import Files

/// Reads JPEG files of every 8-bit kind: baseline, progressive, arithmetic; gray, YCbCr, RGB, CMYK
/// and YCCK; any sampling.
///
/// At full size or less (`DecodeMode`), by the accurate integer transform, smooth chroma upsampling. Gray
/// becomes three equal channels. CMYK is turned into RGB by R = C·K/255 on inverted values, as in
/// Adobe's files, else R = (255−C)(255−K)/255, and so on. Colour profiles are ignored. The image is
/// turned upright as its EXIF orientation says.
enum JPEGDecoder: FormatDecoder {
  static let signature = FileSignature.jpeg
  /// Scans of a progressive file; honest ones have about ten.
  static let scanLimit = 100
  /// Bytes of libjpeg's own buffers. A progressive image is held as coefficients, three bytes a pixel
  /// when chroma is subsampled; with the pixels themselves this stays below 512 MB.
  static let memoryLimit = 256 << 20

  static func decode(
    _ bytes: [UInt8], _ request: DecodeRequest, into buffer: PixelBuffer
  ) throws(ImageError) -> String? {
    let header = try header(of: bytes)
    let (width, height) = (Int(header.width), Int(header.height))
    try ImageDecoder.requirePixels(
      width: width, height: height, limit: request.pixelLimit)
    let exif = bytes.dropFirst(Int(header.exif_offset)).prefix(Int(header.exif_count))
    let orientation = EXIFOrientation(exif)
    let isTransposed = orientation.isTransposed
    let (fullWidth, fullHeight) = isTransposed ? (height, width) : (width, height)
    let eighths = request.eighths(fullWidth, fullHeight)
    return try buffer.replace(fullWidth: fullWidth, fullHeight: fullHeight, eighths: eighths) {
      pixels throws(ImageError) in
      var limits = cjpeg_limits(scans: Int32(scanLimit), memory: memoryLimit(request))
      var report = cjpeg_report()
      let status = cjpeg_decode(
        bytes, bytes.count, orientation.rawValue, Int32(eighths), &limits, pixels, &report)
      try check(status, report, memory: memoryLimit(request))
      return ImageDecoder.warning(string(report.warning), count: Int(report.warning_count))
    }
  }

  /// What goes beside the pixels, coefficients of several scans above all, grows with them.
  private static func memoryLimit(_ request: DecodeRequest) -> Int {
    max(
      memoryLimit,
      memoryLimit / (ImageDecoder.pixelLimit / 1_000_000) * (request.pixelLimit / 1_000_000))
  }

  private static func header(of bytes: [UInt8]) throws(ImageError) -> cjpeg_header {
    var header = cjpeg_header()
    var report = cjpeg_report()
    try check(cjpeg_read_header(bytes, bytes.count, &header, &report), report)
    return header
  }

  /// Throws what `status` stands for, in libjpeg's words.
  private static func check(
    _ status: cjpeg_status, _ report: cjpeg_report, memory: Int = memoryLimit
  ) throws(ImageError) {
    let reason = string(report.error)
    switch status {
    case CJPEG_OK: return
    case CJPEG_TRUNCATED: throw .truncated(reason: reason)
    case CJPEG_UNSUPPORTED: throw .unsupported(reason: reason)
    case CJPEG_TOO_MANY_SCANS: throw .tooManyScans(limit: scanLimit)
    case CJPEG_TOO_MUCH_MEMORY: throw .tooMuchMemory(limitMegabytes: memory >> 20)
    default: throw .corrupt(.jpeg, reason: reason)
    }
  }
}

/// The text in a C array of characters that ends at a zero.
func string<Characters>(_ characters: Characters) -> String {
  withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
