internal import Files

/// Names what was taken for a file of weights and plainly is something else, by its first bytes.
enum ForeignFile {
  /// `gzip data`, `an HTML page`, …; nil when nothing tells that the file holds no weights.
  static func kind(of file: MappedFile) -> String? {
    let start = file.bytes(0..<min(512, file.byteCount))
    if start.isEmpty { return "an empty file" }
    if let match = marks.first(where: { start.starts(with: $0.mark) }) { return match.found }
    if start.allSatisfy({ $0 == 0 }) { return "zero bytes" }
    // Text in any encoding; a binary message has control characters among its keys and lengths.
    if start.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || (9...13).contains($0) }) {
      return kindOfText(String(decoding: start, as: UTF8.self))
    }
    return nil
  }

  private static let marks: [(mark: [UInt8], found: String)] = [
    ([0x1F, 0x8B], "gzip data: unpack it first"),
    (Array("BZh".utf8), "bzip2 data: unpack it first"),
    (Array("PK\u{3}\u{4}".utf8), "a zip archive (.npz, .pth or .zip)"),
    ([0x89] + Array("HDF".utf8), "an HDF5 file (.h5)"),
    ([0x93] + Array("NUMPY".utf8), "a NumPy array (.npy)"),
    ([0x89] + Array("PNG".utf8), "a PNG image"),
    ([0xFF, 0xD8, 0xFF], "a JPEG image"),
    (Array("GIF8".utf8), "a GIF image"),
    ([0x80, 0x02], "a Python pickle"),
    ([0x80, 0x03], "a Python pickle"),
    ([0x80, 0x04], "a Python pickle"),
    ([0x7F] + Array("ELF".utf8), "a program"),
    (Array("%PDF".utf8), "a PDF document"),
  ]

  private static func kindOfText(_ text: String) -> String {
    let words = text.lowercased()
    if words.contains("<html") || words.contains("<!doctype") || words.contains("<head") {
      return "an HTML page (a download that was answered with a message?)"
    }
    if words.hasPrefix("version https://git-lfs") {
      return "a Git LFS pointer, not the file itself"
    }
    if words.contains("layer") || words.contains("name:") {
      return "text, a network's description (.prototxt) rather than its weights"
    }
    return "text"
  }
}
