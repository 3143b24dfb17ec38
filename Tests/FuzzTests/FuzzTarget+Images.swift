import TestSupport

@testable import Images

extension FuzzTarget {
  private static let tiff: [[UInt8]] = [
    Array("II".utf8) + [42, 0, 8, 0, 0, 0, 1, 0]
      + [0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0],
    Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1]
      + [1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0],
  ]

  private static func picture(_ options: JPEGEncoder.Options) throws -> [UInt8] {
    let (width, height) = (21, 17)
    let image = RGBImage(
      width: width, height: height,
      pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) })
    let bytes = try JPEGEncoder.encode(image, options)
    let exif = Array("Exif\0\0".utf8) + tiff[0]
    return bytes[..<2] + [0xff, 0xe1, 0, UInt8(exif.count + 2)] + exif + bytes[2...]
  }

  static let images = [
    FuzzTarget("exif", FuzzSeeds { _ in tiff }) { bytes, _ in
      _ = EXIFOrientation(bytes).isTransposed
    },
    FuzzTarget(
      "jpeg",
      FuzzSeeds { _ in
        [
          try picture(.init()), try picture(.init(isGray: true)),
          try picture(.init(isProgressive: true, isSubsampled: false)),
        ]
      }
    ) { bytes, _ in try decode(bytes) },
    FuzzTarget(
      "png",
      FuzzSeeds { _ in
        DrawnPNG.kinds.flatMap { kind in
          var other = kind
          (other.isInterlaced, other.hasTransparency) = (true, kind.colorType < 4)
          return [kind.file(), other.file()]
        }
      }
    ) { bytes, _ in try decode(bytes) },
    FuzzTarget("webp", FuzzSeeds { _ in WebPFixture.all.map(\.file) }) { bytes, _ in
      try decode(bytes)
    },
  ]

  private static func decode(_ bytes: [UInt8]) throws {
    let decoded = try ImageDecoder.decode(bytes)
    _ = decoded.image.pixels.count
    let buffer = PixelBuffer()
    _ = try ImageDecoder.decode(
      bytes, .fast, alpha: .white, box: Box(x: 1, y: 1, width: 5, height: 9),
      newSize: { _, _ in (2, 2) }, into: buffer)
  }
}
