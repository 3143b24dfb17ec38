internal import Files
internal import Tensors

/// The array of a NumPy `.npy` file, or of a member of an `.npz` archive.
package enum NPYArray {
  /// - Throws: `unsupported` for element types that are not read, `damaged`.
  package static func variable(
    _ source: ByteSource, name: String, path: String
  ) throws(FormatError) -> Variable {
    let description: NPYDescription
    do throws(ProblemError) {
      description = try NPYDescription(
        source.bytes(0..<min(source.count, NPYDescription.longest)))
    } catch { throw .damaged(path: path, problem: error.text) }
    if description.descriptor.hasPrefix(">"), description.descriptor != ">b1" {
      throw .unsupported(
        path: path, found: "elements of type \(description.descriptor)",
        advice: "convert them to little-endian with array.astype(array.dtype.newbyteorder('<'))")
    }
    let type = ElementType(numPy: description.descriptor)
    let textSize = type == nil ? try textSize(description, path: path) : 0
    let byteCount = type?.byteCount ?? textSize
    guard let count = description.shape.product(times: byteCount) else {
      throw .damaged(path: path, problem: "its shape is \(description.shape)")
    }
    guard source.count - description.dataOffset == count else {
      throw .damaged(
        path: path,
        problem: "it has \(source.count) bytes, expected \(description.dataOffset + count)")
    }
    let data = source[description.dataOffset..<source.count]
    if let type {
      return Variable(
        name: name,
        content: .numbers(
          NumberArray(
            shape: description.shape, type: type,
            isColumnMajor: description.isColumnMajor && description.shape.count > 1, source: data)))
    }
    return Variable(
      name: name,
      content: .text(texts(data, width: textSize, isWide: isWide(description.descriptor))))
  }

  /// Bytes of an element that is text.
  ///
  /// - Throws: `unsupported` for elements that are none.
  private static func textSize(
    _ description: NPYDescription, path: String
  ) throws(FormatError) -> Int {
    let descriptor = description.descriptor
    func unsupported(_ advice: String) -> FormatError {
      .unsupported(path: path, found: "elements of type \(descriptor)", advice: advice)
    }
    if descriptor.hasPrefix("[") {
      throw .unsupported(
        path: path, found: "a structured array of \(descriptor)",
        advice: "save its columns as one plain array: "
          + "numpy.lib.recfunctions.structured_to_unstructured(array)")
    }
    let isText = isWide(descriptor) || descriptor.dropFirst().first == "S"
    guard isText, !descriptor.hasPrefix(">"), let size = Int(descriptor.dropFirst(2)) else {
      throw unsupported(
        "expected whole or floating-point numbers, or text; convert with array.astype")
    }
    guard let byteCount = [size].product(times: isWide(descriptor) ? 4 : 1) else {
      throw .damaged(path: path, problem: "its elements are of type \(descriptor)")
    }
    return byteCount
  }

  /// Whether elements are text of four bytes a character.
  private static func isWide(_ descriptor: String) -> Bool { descriptor.dropFirst().first == "U" }

  /// Texts of fixed width, filled up with zeros.
  private static func texts(_ data: ByteSource, width: Int, isWide: Bool) -> [ByteString] {
    if width == 0 { return [] }
    return stride(from: 0, to: data.count, by: width).map { start in
      guard isWide else {
        let bytes = data.bytes(start..<start + width)
        return ByteString(bytes[..<((bytes.lastIndex { $0 != 0 } ?? -1) + 1)])
      }
      var text = String.UnicodeScalarView()
      for offset in stride(from: start, to: start + width, by: 4) {
        let scalar = Unicode.Scalar(UInt32(data.integer(at: offset, byteCount: 4)))
        if let scalar, scalar.value != 0 { text.append(scalar) }
      }
      return ByteString(String(text))
    }
  }
}
