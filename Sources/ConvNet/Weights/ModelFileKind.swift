import Files
import Formats
import Tensors

/// What a file with weights, or one that was taken for it, turns out to be by its first bytes.
enum ModelFileKind: Hashable {
  case safetensors
  /// No sign of another kind: a binary protobuf message has no mark of its own.
  case caffemodel
  /// Something that holds no weights that are read; `found` names it.
  case other(found: String)

  init(_ file: MappedFile) {
    if SafetensorsFile.isSafetensors(file) {
      self = .safetensors
      return
    }
    let start = file.bytes(0..<min(512, file.byteCount))
    if start.isEmpty {
      self = .other(found: "an empty file")
    } else if let match = Self.marks.first(where: { start.starts(with: $0.mark) }) {
      self = .other(found: match.found)
    } else if start.allSatisfy({ $0 == 0 }) {
      self = .other(found: "zero bytes")
    } else if start.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || (9...13).contains($0) }) {
      // In any encoding; a message has control characters among its keys and lengths.
      self = .other(found: Self.kindOfText(String(decoding: start, as: UTF8.self)))
    } else if file.path.hasSuffix(".safetensors") {
      self = .safetensors
    } else {
      self = .caffemodel
    }
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
