/// A path per line, or `path label`.
struct LineList: ListFormat {
  static let nameEndings: [String] = []
  static let summary = "UTF-8 text with one path a line or “path label”"

  init() {}

  init(nameEnding: String) { self.init() }

  /// What follows the last white space is a label unless it ends like an image's name: then the
  /// path has a space in it.
  func fields(of line: Span<UInt8>) -> ListFields {
    var end = line.count
    while end > 0 && line[end - 1].isWhiteSpace { end -= 1 }
    var label = end
    while label > 0 && !line[label - 1].isWhiteSpace { label -= 1 }
    var path = label
    while path > 0 && line[path - 1].isWhiteSpace { path -= 1 }
    guard path > 0, !ImageNames.hasImageExtension(line.extracting(label..<end)) else {
      return ListFields(path: 0..<end)
    }
    return ListFields(path: 0..<path, label: label..<end)
  }
}
