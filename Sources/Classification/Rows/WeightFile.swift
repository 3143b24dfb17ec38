internal import FeatureStore
package import Files
internal import Images
internal import Tensors

/// Reads weights of rows and of classes from text files.
package enum WeightFile {
  /// One number a line, for each row in order, whatever its status.
  ///
  /// - Throws: `ClassificationError.invalidWeights`; `SystemError` when the file cannot be read.
  package static func rowWeights(_ path: String) throws -> [Double] {
    try lines(path).map { number, text in
      guard let value = Double(text) else {
        throw ClassificationError.invalidWeights(
          path: path, line: number, problem: "expected a number, found “\(text)”")
      }
      return value
    }
  }

  /// `class weight` a line, split at the last white space, so that names may contain some.
  ///
  /// - Throws: `ClassificationError.invalidWeights`; `SystemError` when the file cannot be read.
  package static func classWeights(_ path: String) throws -> [ByteString: Double] {
    var weights: [ByteString: Double] = [:]
    for (number, text) in try lines(path) {
      guard let space = text.lastIndex(where: { $0 == " " || $0 == "\t" }),
        let value = Double(text[text.index(after: space)...])
      else {
        throw ClassificationError.invalidWeights(
          path: path, line: number, problem: "expected a class and a number, found “\(text)”")
      }
      var name = text[..<space]
      while name.last == " " || name.last == "\t" { name.removeLast() }
      if weights.updateValue(value, forKey: ByteString(String(name))) != nil {
        throw ClassificationError.invalidWeights(
          path: path, line: number, problem: "class “\(name)” stands there twice")
      }
    }
    return weights
  }

  /// The lines that are not blank, with their numbers from 1.
  private static func lines(_ path: String) throws -> [(number: Int, text: Substring)] {
    let file = try MappedFile(path)
    let bytes = file.bytes(0..<file.byteCount)
    // By bytes: to Swift, CR LF is one character.
    let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    return lines.enumerated().compactMap { index, line in
      let text = String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
      return text.allSatisfy(\.isWhitespace) ? nil : (index + 1, text[...])
    }
  }
}
