internal import Files

/// An image where a list is expected: a list of one.
enum SingleImage {
  /// The list that stands for the file; nil when it is no image, by its name and its first bytes.
  ///
  /// - Throws: `ImageListError.unlistableName`.
  static func canonicalText(_ file: MappedFile) throws(ImageListError) -> [UInt8]? {
    let name = Array(FileSystem.name(of: file.path).utf8)
    let start = file.bytes(0..<min(file.byteCount, FileSignature.longest))
    // A text may begin with “BM”, and a list be called x.jpg: images are not text.
    guard ImageNames.hasImageExtension(name.span), let kind = FileSignature(start),
      kinds.contains(kind), start.contains(where: { $0 < 9 })
    else { return nil }
    guard !name.contains(where: { [UInt8(ascii: "\t"), .lineFeed, .carriageReturn].contains($0) })
    else {
      throw .unlistableName(ByteString(name), folder: FileSystem.folder(of: file.path))
    }
    // A line that starts with # would be a comment.
    let prefix = name.first == UInt8(ascii: "#") ? Array("./".utf8) : []
    return Array("path\n".utf8) + prefix + name + [.lineFeed]
  }

  private static let kinds: Set<FileSignature> = [
    .jpeg, .png, .gif, .webP, .bmp, .tiff, .heif, .jpeg2000, .jpegXL,
  ]
}
