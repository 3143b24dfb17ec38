internal import Files
internal import Images

/// Decodes every image exactly.
enum DecoderPart {
  /// A digest a format: of sizes and pixels, RGB.
  static func run(_ images: [SelfTestImage]) throws -> [SelfTestDigest] {
    try Dictionary(grouping: images, by: \.format).sorted { $0.key < $1.key }.map {
      format, images in
      var hasher = SHA256Digest.Hasher()
      for image in images {
        let decoded = try ImageDecoder.decode(image.bytes).image
        hasher.update(Array("\(image.name) \(decoded.width) \(decoded.height)\n".utf8))
        hasher.update(decoded.pixels)
      }
      return SelfTestDigest("decoder \(format)", hasher)
    }
  }
}
