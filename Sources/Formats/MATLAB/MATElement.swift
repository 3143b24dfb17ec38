internal import Files
internal import Tensors

/// One element: a type, a length, data.
struct MATElement {
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
