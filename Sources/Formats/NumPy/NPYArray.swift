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
    let descriptor = description.descriptor
    func unsupported(_ advice: String) -> FormatError {
      .unsupported(path: path, found: "elements of type \(descriptor)", advice: advice)
    }
    if descriptor.hasPrefix(">"), descriptor != ">b1" {
      throw unsupported(
        "convert them to little-endian with array.astype(array.dtype.newbyteorder('<'))")
    }
    let size = Int(descriptor.dropFirst(2)) ?? 0
    let letter = descriptor.dropFirst().first
    let isText = letter == "U" || letter == "S"
    let type = ElementType(numPy: descriptor)
    guard isText || type != nil else {
      throw unsupported(
        "expected whole or floating-point numbers, or text; convert with array.astype")
    }
    let byteCount = isText ? size * (letter == "U" ? 4 : 1) : type!.byteCount
    var count = byteCount
    for axis in description.shape {
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: axis)
      if isTooLarge { throw .damaged(path: path, problem: "its shape is \(description.shape)") }
      count = product
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
      name: name, content: .text(texts(data, width: byteCount, isWide: letter == "U")))
  }

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
