internal import Files

/// The formats of weight files, and how one is told from another.
package enum WeightFormats {
  static let all: [any WeightFormat.Type] = [
    CaffeModelFormat.self,
    CudaConvNetFormat.self,
    MatConvNetFormat.self,
    NumPyFormat.self,
    ONNXFormat.self,
    PyTorchFormat.self,
    SafetensorsFormat.self,
  ]

  /// Those that are written, decaf's own first.
  static let written: [any WritableWeightFormat.Type] =
    all.compactMap { $0 as? any WritableWeightFormat.Type }.reversed()

  /// The endings of what is read, for messages and help: `.caffemodel or .safetensors`.
  package static func readEndings(_ conjunction: String = "or") -> String {
    list(all.map { $0.pathExtension }, conjunction)
  }

  /// The endings of what is written: `.safetensors or .caffemodel`.
  package static func writtenEndings(_ conjunction: String = "or") -> String {
    list(written.map { $0.pathExtension }, conjunction)
  }

  private static func list(_ extensions: [String], _ conjunction: String) -> String {
    let endings = extensions.map { "." + $0 }
    guard let last = endings.last, endings.count > 1 else { return endings.joined() }
    return endings.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
  }

  /// The format of a file by its content; its name counts only when the content says nothing.
  ///
  /// - Throws: `ModelError.notAModel` for a file that is plainly something else.
  static func format(of file: MappedFile) throws(ModelError) -> any WeightFormat.Type {
    if let format = all.first(where: { $0.recognizes(file) }) { return format }
    if let found = ForeignFile.kind(of: file) { throw .notAModel(path: file.path, found: found) }
    // No sign of any kind is the sign of a binary protobuf message, which has no mark of its own.
    return all.first { file.path.hasSuffix("." + $0.pathExtension) } ?? CaffeModelFormat.self
  }

  /// The format to write a file of this name in.
  ///
  /// - Throws: `ModelError.unknownFormat`.
  static func format(toWrite path: String) throws(ModelError) -> any WritableWeightFormat.Type {
    guard let format = written.first(where: { path.hasSuffix("." + $0.pathExtension) }) else {
      throw .unknownFormat(path: path)
    }
    return format
  }
}
