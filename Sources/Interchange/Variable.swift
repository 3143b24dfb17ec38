internal import Files
internal import Images

/// A named array of a file of another program.
struct Variable: Sendable {
  enum Content: Sendable {
    case numbers(NumberArray)
    /// One text for each element.
    case text([ByteString])
    /// Something that is not read, in words: “a structure”.
    case other(String)
  }

  let name: String
  let content: Content

  /// For messages: `feas (157×4096 float64)`.
  var description: String {
    switch content {
    case .numbers(let array): "\(name) (\(array.shapeText) \(array.type.rawValue))"
    case .text(let texts): "\(name) (\(texts.count) texts)"
    case .other(let kind): "\(name) (\(kind))"
    }
  }

  var numbers: NumberArray? {
    if case .numbers(let array) = content { array } else { nil }
  }

  /// Whether it can be a list of labels.
  var isVector: Bool {
    switch content {
    case .numbers(let array): array.isVector
    case .text: true
    case .other: false
    }
  }
}
