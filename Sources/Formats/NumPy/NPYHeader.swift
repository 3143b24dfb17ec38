package import Files
package import Tensors

/// The header of a NumPy array file (NEP 1, “A Simple File Format for NumPy Arrays”).
package struct NPYHeader: Equatable {
  package var elementType: ElementType
  /// C order.
  package var shape: [Int]

  package init(elementType: ElementType, shape: [Int]) {
    self.elementType = elementType
    self.shape = shape
  }

  /// The header in version 1.0, padded with spaces so that the values start at a multiple of 64.
  package var bytes: [UInt8] {
    guard let descriptor = elementType.numPyDescriptor else {
      preconditionFailure("NumPy has no \(elementType.rawValue)")
    }
    let axes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(axes)), }"
    let length = 10 + text.utf8.count + 1
    let padding = (64 - length % 64) % 64
    let textLength = length + padding - 10
    return NPYDescription.magic + [1, 0, UInt8(textLength & 255), UInt8(textLength >> 8)]
      + Array(text.utf8) + [UInt8](repeating: 0x20, count: padding) + [0x0a]
  }

  /// Bytes of header and values together.
  package var fileByteCount: Int { bytes.count + shape.reduce(1, *) * elementType.byteCount }

  /// Reads the header at the start of a file, in format version 1, 2 or 3.
  ///
  /// - Returns: the header and where the values start.
  /// - Throws: `ProblemError` saying what is wrong.
  package static func parse(_ bytes: [UInt8]) throws(ProblemError) -> (NPYHeader, dataOffset: Int) {
    let description = try NPYDescription(bytes)
    guard let type = ElementType(numPy: description.descriptor),
      type.numPyDescriptor == description.descriptor
    else {
      throw ProblemError(
        "its NumPy type is \(description.descriptor), expected little-endian numbers")
    }
    if description.isColumnMajor { throw ProblemError("it is in Fortran order") }
    return (NPYHeader(elementType: type, shape: description.shape), description.dataOffset)
  }
}

extension NPYHeader {
  /// Compares a file with this, what its header should be.
  ///
  /// - Parameter start: the file's first bytes, its header among them.
  /// - Returns: where the values start.
  /// - Throws: what is wrong with the file.
  package func check(start: [UInt8], fileByteCount: Int) throws(ProblemError) -> Int {
    let (found, dataOffset) = try Self.parse(start)
    guard found == self else {
      throw ProblemError(
        "it holds \(found.elementType.rawValue) of shape \(found.shape), "
          + "the manifest says \(elementType.rawValue) of shape \(shape)")
    }
    let expected = dataOffset + shape.reduce(1, *) * elementType.byteCount
    guard fileByteCount == expected else {
      throw ProblemError("it has \(fileByteCount) bytes, expected \(expected)")
    }
    return dataOffset
  }
}
