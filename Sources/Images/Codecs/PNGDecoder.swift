internal import CPNG
internal import Files

/// Reads PNG files: gray, colour and palettes of 1 to 16 bits, with and without transparency,
/// interlaced or not; of an animation the picture for programs that know of none.
///
/// Samples of 16 bits are rounded to 8. Colour spaces and gamma are ignored. A picture with an EXIF
/// orientation is turned upright. Checksums that fail make the file corrupt, save those of parts that
/// the picture does not need.
enum PNGDecoder: FormatDecoder {
  static let signature = FileSignature.png
  /// Bytes of libpng's own buffers; an interlaced picture that is laid on white is held in them once more.
  /// With the pixels themselves this stays below 512 MB.
  static let memoryLimit = 256 << 20

  static func decode(
    _ bytes: [UInt8], _ request: DecodeRequest, into buffer: PixelBuffer
  ) throws(ImageError) -> String? {
    var header = cpng_header()
    var report = cpng_report()
    try check(cpng_read_header(bytes, bytes.count, &header, &report), report)
    let (width, height) = (Int(header.width), Int(header.height))
    try ImageDecoder.requirePixels(
      width: width, height: height, limit: request.pixelLimit)
    let orientation = EXIFOrientation(PNGChunks(bytes).first("eXIf") ?? [])
    return try buffer.replace(width: width, height: height, orientation) {
      pixels throws(ImageError) in
      var limits = cpng_limits(memory: memoryLimit)
      let alpha = request.alpha == .white ? CPNG_ALPHA_WHITE : CPNG_ALPHA_DROPPED
      var report = cpng_report()
      try check(cpng_decode(bytes, bytes.count, alpha, &limits, pixels, &report), report)
      return ImageDecoder.warning(string(report.warning), count: Int(report.warning_count))
    }
  }

  /// Throws what `status` stands for, in libpng's words.
  private static func check(_ status: cpng_status, _ report: cpng_report) throws(ImageError) {
    switch status {
    case CPNG_OK: return
    case CPNG_TRUNCATED: throw .truncated(reason: string(report.error))
    case CPNG_TOO_MUCH_MEMORY: throw .tooMuchMemory(limitMegabytes: memoryLimit >> 20)
    default: throw .corrupt(.png, reason: string(report.error))
    }
  }
}

/// The parts of a PNG file: length, name, data, checksum (PNG specification, section 5.3).
struct PNGChunks {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The data of the first chunk of this name; nil when there is none.
  func first(_ name: String) -> ArraySlice<UInt8>? {
    var start = 8
    while bytes.count - start >= 12 {
      let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - start - 12 else { return nil }
      if bytes[start + 4..<start + 8].elementsEqual(name.utf8) {
        return bytes[start + 8..<start + 8 + length]
      }
      start += 12 + length
    }
    return nil
  }
}
