package import Files
internal import Tensors

/// A named array of a file of another program.
package struct Variable: Sendable {
  package enum Content: Sendable {
    case numbers(NumberArray)
    /// One text for each element.
    case text([ByteString])
    /// A matrix of which only what is not zero is in the file; not read.
    case sparse
    /// Something that is not read, in words: “a structure”.
    case other(String)
  }

  package let name: String
  package let content: Content

  package init(name: String, content: Content) {
    self.name = name
    self.content = content
  }

  /// For messages: `feas (157×4096 float64)`.
  package var description: String {
    switch content {
    case .numbers(let array): "\(name) (\(array.shapeText) \(array.type.rawValue))"
    case .text(let texts): "\(name) (\(texts.count) texts)"
    case .sparse: "\(name) (a sparse matrix)"
    case .other(let kind): "\(name) (\(kind))"
    }
  }

  package var numbers: NumberArray? {
    if case .numbers(let array) = content { array } else { nil }
  }

  /// Whether it can be a list of labels.
  package var isVector: Bool {
    switch content {
    case .numbers(let array): array.isVector
    case .text: true
    case .sparse, .other: false
    }
  }

  package var isSparse: Bool {
    if case .sparse = content { true } else { false }
  }
}
