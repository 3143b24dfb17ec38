package import Files

/// What the header of a NumPy array file says, whatever its element type and order
/// (NEP 1, “A Simple File Format for NumPy Arrays”).
package struct NPYDescription: Equatable, Sendable {
  /// NumPy's name of the type: `<f4`, `|u1`, `<U10`; a list of names and types for a structured one,
  /// of which no shape is read.
  package let descriptor: String
  /// Whether the first index runs fastest.
  package let isColumnMajor: Bool
  package let shape: [Int]
  /// Where the values start.
  package let dataOffset: Int

  package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// The most bytes a header of ours or another writer's may sensibly take.
  package static let longest = 1 << 16

  /// Reads the header at the start of a file, in format version 1, 2 or 3.
  ///
  /// - Throws: `ProblemError` saying what is wrong.
  package init(_ bytes: [UInt8]) throws(ProblemError) {
    guard bytes.count >= 10, bytes.starts(with: Self.magic) else {
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
    // A table whose columns have names and types of their own: NumPy writes a list in place of a text.
    if text.hasPrefix("{'descr': [") {
      descriptor = String(text.dropFirst(10).prefix { $0 != "]" }) + "]"
      (isColumnMajor, shape, dataOffset) = (false, [], start + length)
      return
    }
    guard
      let match = text.firstMatch(
        of:
          /^\{'descr': ?'([^']*)', ?'fortran_order': ?(True|False), ?'shape': ?\(([0-9, ]*)\),? ?\} *\n$/
      )
    else { throw ProblemError("its NumPy header cannot be read: \(text.prefix(200))") }
    let axes = match.3.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    let shape = axes.compactMap { Int($0) }
    guard shape.count == axes.count else { throw ProblemError("its NumPy shape is too large") }
    descriptor = String(match.1)
    isColumnMajor = match.2 == "True"
    self.shape = shape
    dataOffset = start + length
  }
}
