internal import CJPEG

/// Writes JPEG files, for demonstrations and tests.
package enum JPEGEncoder {
  /// What a file is to be besides its picture.
  package struct Options: Sendable {
    /// 1…100.
    package var quality: Int
    /// One component instead of three.
    package var isGray: Bool
    package var isProgressive: Bool
    /// Chroma at half size both ways (4:2:0) instead of full size.
    package var isSubsampled: Bool

    package init(
      quality: Int = 90, isGray: Bool = false, isProgressive: Bool = false,
      isSubsampled: Bool = true
    ) {
      precondition((1...100).contains(quality), "quality is 1…100")
      (self.quality, self.isGray) = (quality, isGray)
      (self.isProgressive, self.isSubsampled) = (isProgressive, isSubsampled)
    }
  }

  /// `image` as the bytes of a JPEG file: the same bytes for the same image and options.
  ///
  /// - Throws: `ImageError.cannotEncode`, when a side is beyond 65,500 pixels.
  package static func encode(
    _ image: RGBImage, _ options: Options = Options()
  ) throws(ImageError) -> [UInt8] {
    var encoding = cjpeg_encoding(
      quality: Int32(options.quality), gray: options.isGray ? 1 : 0,
      progressive: options.isProgressive ? 1 : 0, subsampled: options.isSubsampled ? 1 : 0)
    var report = cjpeg_report()
    var status = CJPEG_OK
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity(for: image)) { bytes, count in
      count = bytes.count
      status = cjpeg_encode(
        image.pixels, Int32(clamping: image.width), Int32(clamping: image.height), &encoding,
        bytes.baseAddress, &count, &report)
      if status != CJPEG_OK { count = 0 }
    }
    guard status == CJPEG_OK else { throw .cannotEncode(reason: string(report.error)) }
    return bytes
  }

  /// Bytes that any file of this size fits in: six a pixel of whole blocks, and the headers
  /// (libjpeg-turbo's `tjBufSize` for unsubsampled chroma).
  private static func capacity(for image: RGBImage) -> Int {
    func padded(_ side: Int) -> Int { (side + 15) / 16 * 16 }
    return padded(image.width) * padded(image.height) * 6 + 4096
  }
}
