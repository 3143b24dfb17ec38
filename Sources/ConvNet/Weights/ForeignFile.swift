internal import Files

/// Names what was taken for a file of weights and plainly is something else, by its first bytes.
enum ForeignFile {
  /// `gzip data`, `an HTML page`, …; nil when nothing tells that the file holds no weights.
  static func kind(of file: MappedFile) -> String? {
    let start = file.bytes(0..<min(512, file.byteCount))
    if start.isEmpty { return "an empty file" }
    if let signature = FileSignature(start) { return description(of: signature) }
    if start.allSatisfy({ $0 == 0 }) { return "zero bytes" }
    // Text in any encoding; a binary message has control characters among its keys and lengths.
    if start.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || (9...13).contains($0) }) {
      return kindOfText(String(decoding: start, as: UTF8.self))
    }
    return nil
  }

  private static func description(of signature: FileSignature) -> String {
    switch signature {
    case .gzip, .bzip2: "\(signature): unpack it first"
    case .zip: "\(signature) of neither arrays (.npz) nor tensors (.pth)"
    case .jpeg, .png, .gif, .webP, .bmp, .tiff: "a \(signature) image"
    default: signature.description
    }
  }

  private static func kindOfText(_ text: String) -> String {
    let words = text.lowercased()
    if words.contains("<html") || words.contains("<!doctype") || words.contains("<head") {
      return FileSignature.markup.description
    }
    if words.contains("\"weight_map\"") || words.contains(".safetensors\"") {
      return "an index of weights in several files: join them to one first"
    }
    if words.contains("layer") || words.contains("name:") {
      return "text, a network's description (.prototxt) rather than its weights"
    }
    return "text"
  }
}
