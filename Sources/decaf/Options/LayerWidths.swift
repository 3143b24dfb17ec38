internal import ArgumentParser

/// `LAYER:N`, separated by commas: a width for some layers.
struct LayerWidths {
  private(set) var widths: [String: Int] = [:]

  init() {}

  /// - Throws: `ValidationError`.
  init(parsing text: String) throws {
    for item in text.split(separator: ",") {
      // A layer's name may have a colon, too.
      guard let colon = item.lastIndex(of: ":"), colon > item.startIndex,
        let width = Int(item[item.index(after: colon)...]), width >= 2
      else {
        throw ValidationError("\(item): expected LAYER:N, N 2 or more")
      }
      widths[LayerName.resolved(String(item[..<colon]))] = width
    }
  }
}
