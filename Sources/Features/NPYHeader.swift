/// The header of a NumPy array file (NEP 1, “A Simple File Format for NumPy Arrays”).
struct NPYHeader: Equatable {
  var elementType: ElementType
  /// C order.
  var shape: [Int]

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// The header in version 1.0, padded with spaces so that the values start at a multiple of 64.
  var bytes: [UInt8] {
    let axes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text =
      "{'descr': '\(elementType.descriptor)', 'fortran_order': False, 'shape': (\(axes)), }"
    let length = 10 + text.utf8.count + 1
    let padding = (64 - length % 64) % 64
    let textLength = length + padding - 10
    return Self.magic + [1, 0, UInt8(textLength & 255), UInt8(textLength >> 8)]
      + Array(text.utf8) + [UInt8](repeating: 0x20, count: padding) + [0x0a]
  }

  /// Bytes of header and values together.
  var fileByteCount: Int { bytes.count + shape.reduce(1, *) * elementType.byteCount }

  /// The most bytes a header of ours or another writer's may sensibly take.
  static let longest = 1 << 16

  /// Reads the header at the start of a file, in format version 1, 2 or 3.
  ///
  /// - Returns: the header and where the values start.
  /// - Throws: `ProblemError` saying what is wrong.
  static func parse(_ bytes: [UInt8]) throws(ProblemError) -> (NPYHeader, dataOffset: Int) {
    guard bytes.count >= 10, bytes.starts(with: magic) else {
      throw ProblemError("it does not start with a NumPy header")
    }
    let lengthSize = bytes[6] == 1 ? 2 : 4
    guard (1...3).contains(bytes[6]), bytes.count >= 8 + lengthSize else {
      throw ProblemError("NumPy format version \(bytes[6]).\(bytes[7]) is not known")
    }
    let length = bytes[8..<8 + lengthSize].reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = 8 + lengthSize
    guard bytes.count - start >= length else { throw ProblemError("its NumPy header is cut short") }
    let text = String(decoding: bytes[start..<start + length], as: UTF8.self)
    guard
      let match = text.firstMatch(
        of:
          /^\{'descr': ?'([^']*)', ?'fortran_order': ?(True|False), ?'shape': ?\(([0-9, ]*)\),? ?\} *\n$/
      )
    else { throw ProblemError("its NumPy header cannot be read: \(text)") }
    guard let type = ElementType(descriptor: String(match.1)) else {
      throw ProblemError("its NumPy type is \(match.1), expected <f4 or <f2")
    }
    guard match.2 == "False" else { throw ProblemError("it is in Fortran order") }
    let axes = match.3.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    let shape = axes.compactMap { Int($0) }
    guard shape.count == axes.count else { throw ProblemError("its NumPy shape is too large") }
    return (NPYHeader(elementType: type, shape: shape), start + length)
  }
}

/// A finding about a file, put into an error of the module by who knows the file.
struct ProblemError: Error, Equatable {
  let text: String
  init(_ text: String) { self.text = text }
}

extension NPYHeader {
  /// Compares a file with this, what its header should be.
  ///
  /// - Parameter start: the file's first bytes, its header among them.
  /// - Returns: where the values start.
  /// - Throws: what is wrong with the file.
  func check(start: [UInt8], fileByteCount: Int) throws(ProblemError) -> Int {
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
