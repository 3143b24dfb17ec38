/// Which files are images, by their names.
enum ImageNames {
  /// Extensions that mark a file name as an image's, also of formats that are then refused.
  private static let extensions = [
    "jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "tif", "tiff", "heic", "heif",
    "avif", "jp2", "ppm", "pgm", "mpo",
  ].map { Array($0.utf8) }

  /// Whether `name` ends in one of them, in upper or lower case.
  static func hasImageExtension(_ name: Span<UInt8>) -> Bool {
    var dot = name.count - 1
    while dot >= 0 && name[dot] != UInt8(ascii: ".") { dot -= 1 }
    let count = name.count - dot - 1
    guard dot >= 0, (3...4).contains(count) else { return false }
    return extensions.contains { candidate in
      // Setting bit 5 makes ASCII letters lower case.
      candidate.count == count
        && candidate.indices.allSatisfy { candidate[$0] == name[dot + 1 + $0] | 32 }
    }
  }
}
