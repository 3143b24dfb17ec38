package import Files
internal import Tensors

/// The variables of a MATLAB file of version 5 (`save -v6`, `-v7`; also what SciPy writes).
///
/// “MAT-File Format”, The MathWorks: a header of 128 bytes, then elements, each a type, a length and
/// data. A variable is an element of type 14, or a compressed one (15) that expands to it.
package enum MATFile {
  /// The most that a compressed variable may expand to: version 5 counts bytes in 32 bits.
  private static let expansionLimit = 1 << 32
  private static let headerByteCount = 128

  /// - Throws: `unsupported` for other versions, `damaged`.
  package static func variables(_ file: MappedFile) throws(FormatError) -> [Variable] {
    let path = file.path
    let source = ByteSource(file)
    guard source.count >= headerByteCount else {
      throw .damaged(path: path, problem: "its header is cut short")
    }
    let text = String(decoding: source.bytes(0..<19), as: UTF8.self)
    guard text.hasPrefix("MATLAB 5.0") else {
      let advice = "save it again with save('NAME.mat', …, '-v7')"
      throw .unsupported(
        path: path,
        found: text.hasPrefix("MATLAB 7.3")
          ? "a MATLAB file of version 7.3, which is HDF5" : "a MATLAB file of another version",
        advice: advice)
    }
    guard source.bytes(126..<128) == Array("IM".utf8) else {
      throw .unsupported(
        path: path, found: "a big-endian MATLAB file", advice: "save it again on this machine")
    }
    do throws(ProblemError) { return try variables(file, source) } catch {
      throw .damaged(path: path, problem: error.text)
    }
  }

  /// Whether a file begins like one of version 4, which has no mark of its own: a type of four decimal
  /// digits (byte order, 0, precision, kind), rows, columns, whether it is complex, and the length of a
  /// name, each in four bytes; then the name and a zero.
  package static func isVersion4(_ file: MappedFile) -> Bool {
    let source = ByteSource(file)
    guard source.count >= 22 else { return false }
    let numbers = (0..<5).map { source.integer(at: 4 * $0, byteCount: 4) }
    let (type, nameCount) = (numbers[0], numbers[4])
    guard type < 5000, type / 100 % 10 == 0, type / 10 % 10 <= 5, type % 10 <= 2,
      numbers[3] <= 1, 2...64 ~= nameCount, source.count >= 20 + nameCount
    else { return false }
    let name = source.bytes(20..<20 + nameCount)
    return name.last == 0 && name.dropLast().allSatisfy { 33...126 ~= $0 }
  }

  private static func variables(
    _ file: MappedFile, _ source: ByteSource
  ) throws(ProblemError) -> [Variable] {
    var variables: [Variable] = []
    var offset = headerByteCount
    while offset < source.count {
      var element = try Element(source, at: offset)
      offset = element.end
      if element.type == .compressed {
        element = try Element(try expanded(element, file), at: 0)
      }
      guard element.type == .matrix else { continue }
      let matrix = try Matrix(element.data)
      variables.append(Variable(name: matrix.name, content: try matrix.content()))
    }
    return variables
  }

  /// The bytes of a compressed element.
  private static func expanded(
    _ element: Element, _ file: MappedFile
  ) throws(ProblemError) -> ByteSource {
    guard case .file(_, let range) = element.data else { preconditionFailure("not in a file") }
    do throws(InflateError) {
      return ByteSource(try Inflate.bytes(of: file, range, .zlib, limit: expansionLimit))
    } catch { throw ProblemError(error.description) }
  }
}

/// One element: a type, a length, data.
private struct Element {
  enum Kind: Int {
    case int8 = 1
    case uint8, int16, uint16, int32, uint32, single
    case double = 9
    case int64 = 12
    case uint64, matrix, compressed, utf8, utf16, utf32

    var elementType: ElementType? {
      switch self {
      case .int8: .int8
      case .uint8, .utf8: .uint8
      case .int16: .int16
      case .uint16, .utf16: .uint16
      case .int32: .int32
      case .uint32, .utf32: .uint32
      case .int64: .int64
      case .uint64: .uint64
      case .single: .float32
      case .double: .float64
      case .matrix, .compressed: nil
      }
    }
  }

  let type: Kind
  let data: ByteSource
  /// Where the next one starts.
  let end: Int

  init(_ source: ByteSource, at offset: Int) throws(ProblemError) {
    guard source.count - offset >= 8 else { throw Self.cut(offset) }
    var number = source.integer(at: offset, byteCount: 4)
    var count = source.integer(at: offset + 4, byteCount: 4)
    var start = offset + 8
    if number >> 16 != 0 {  // the short form: length and type in four bytes, data in the next four
      count = number >> 16
      number &= 0xffff
      start = offset + 4
      guard count <= 4 else { throw ProblemError("a short element of \(count) bytes at \(offset)") }
    }
    guard let type = Kind(rawValue: number) else {
      throw ProblemError("an element of unknown type \(number) at byte \(offset)")
    }
    guard source.count - start >= count else { throw Self.cut(offset) }
    self.type = type
    data = source[start..<start + count]
    let isPadded = type != .compressed
    end = min(source.count, isPadded ? (start + count + 7) / 8 * 8 : start + count)
  }

  private static func cut(_ offset: Int) -> ProblemError {
    ProblemError("the element at byte \(offset) is cut short")
  }
}

/// A variable, or an element of a cell array.
private struct Matrix {
  let name: String
  private let kind: Int
  private let isComplex: Bool
  private let shape: [Int]
  private let count: Int
  private let source: ByteSource
  /// Where what follows the name starts.
  private let start: Int

  private static let names = [
    1: "a cell array", 2: "a structure", 3: "an object", 16: "a function", 17: "an object",
  ]

  init(_ source: ByteSource) throws(ProblemError) {
    let flags = try Element(source, at: 0)
    guard flags.type == .uint32, flags.data.count == 8 else {
      throw ProblemError("a variable does not start with its flags")
    }
    let word = flags.data.integer(at: 0, byteCount: 4)
    kind = word & 0xff
    isComplex = word & 0x800 != 0
    self.source = source
    if kind == 17 {  // has a name in place of dimensions, which no version of the format describes
      (name, shape, count, start) = ("?", [], 0, flags.end)
      return
    }
    let dimensions = try Element(source, at: flags.end)
    guard dimensions.type == .int32, dimensions.data.count >= 8, dimensions.data.count % 4 == 0
    else { throw ProblemError("a variable without dimensions") }
    shape = stride(from: 0, to: dimensions.data.count, by: 4).map {
      dimensions.data.integer(at: $0, byteCount: 4)
    }
    guard let count = shape.product(limit: 1 << 40) else {
      throw ProblemError("a variable of shape \(shape)")
    }
    self.count = count
    let text = try Element(source, at: dimensions.end)
    name = String(decoding: text.data.bytes(0..<text.data.count), as: UTF8.self)
    start = text.end
  }

  func content() throws(ProblemError) -> Variable.Content {
    if kind == 1, let texts = try texts() { return .text(texts) }
    if kind == 4 { return .text(try rows()) }
    if kind == 5 { return .sparse }
    guard (6...15).contains(kind) else { return .other(Self.names[kind] ?? "of class \(kind)") }
    if isComplex { return .other("complex numbers") }
    if count == 0 { return .other("empty") }
    let data = try Element(source, at: start)
    // MATLAB stores numbers in the smallest type that holds them all.
    guard let type = data.type.elementType, data.data.count == count * type.byteCount else {
      throw ProblemError("\(name) has \(data.data.count) bytes, expected \(count) numbers")
    }
    return .numbers(
      NumberArray(shape: shape, type: type, isColumnMajor: true, source: data.data))
  }

  /// The texts of a cell array, nil when one of its elements is none.
  private func texts() throws(ProblemError) -> [ByteString]? {
    var texts: [ByteString] = []
    var offset = start
    for _ in 0..<count {
      let element = try Element(source, at: offset)
      offset = element.end
      guard element.type == .matrix else { return nil }
      let matrix = try Matrix(element.data)
      guard matrix.kind == 4 else { return nil }
      texts.append(try matrix.text())
    }
    return texts
  }

  /// The characters of a text of one row.
  private func text() throws(ProblemError) -> ByteString {
    ByteString(String(decoding: try units(), as: UTF16.self))
  }

  /// The rows of a matrix of characters, a text each: what MATLAB makes of texts of several lengths,
  /// filled up with spaces (SciPy: with zeros).
  private func rows() throws(ProblemError) -> [ByteString] {
    guard shape.count == 2, shape[0] > 1, shape[1] > 0 else { return [try text()] }
    let units = try units()
    guard units.count == count else {
      throw ProblemError("\(name) has \(units.count) characters, expected \(count)")
    }
    return (0..<shape[0]).map { row in
      let text = (0..<shape[1]).map { units[$0 * shape[0] + row] }
      let end = text.lastIndex { $0 != 0 && $0 != 0x20 }.map { $0 + 1 } ?? 0
      return ByteString(String(decoding: text[..<end], as: UTF16.self))
    }
  }

  /// Characters in the order of the file: columns.
  private func units() throws(ProblemError) -> [UInt16] {
    if count == 0 { return [] }
    let data = try Element(source, at: start)
    guard let type = data.type.elementType, data.data.count % type.byteCount == 0 else {
      throw ProblemError("\(name) is no text")
    }
    if data.type == .utf8 {
      return Array(String(decoding: data.data.bytes(0..<data.data.count), as: UTF8.self).utf16)
    }
    return stride(from: 0, to: data.data.count, by: type.byteCount).map {
      UInt16(truncatingIfNeeded: data.data.integer(at: $0, byteCount: type.byteCount))
    }
  }
}
