internal import Files
internal import Tensors

/// A variable, or an element of a cell array.
struct MATMatrix {
  let name: String
  let kind: Int
  private let isComplex: Bool
  let shape: [Int]
  let count: Int
  let source: ByteSource
  /// Where what follows the name starts.
  let start: Int

  static let names = [
    1: "a cell array", 2: "a structure", 3: "an object", 16: "a function", 17: "an object",
  ]

  init(_ source: ByteSource) throws(ProblemError) {
    let flags = try MATElement(source, at: 0)
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
    let dimensions = try MATElement(source, at: flags.end)
    guard dimensions.type == .int32, dimensions.data.count >= 8, dimensions.data.count % 4 == 0
    else { throw ProblemError("a variable without dimensions") }
    shape = stride(from: 0, to: dimensions.data.count, by: 4).map {
      dimensions.data.integer(at: $0, byteCount: 4)
    }
    guard let count = shape.product(limit: 1 << 40) else {
      throw ProblemError("a variable of shape \(shape)")
    }
    self.count = count
    let text = try MATElement(source, at: dimensions.end)
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
    let data = try MATElement(source, at: start)
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
      let element = try MATElement(source, at: offset)
      offset = element.end
      guard element.type == .matrix else { return nil }
      let matrix = try MATMatrix(element.data)
      guard matrix.kind == 4 else { return nil }
      texts.append(try matrix.text())
    }
    return texts
  }

  /// The characters of a text of one row.
  func text() throws(ProblemError) -> ByteString {
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
    let data = try MATElement(source, at: start)
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
