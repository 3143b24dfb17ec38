/// Text as the bytes it was written in: paths and labels of image lists.
///
/// Equality, order and hashing are by byte. Swift's `String` takes differently composed characters
/// for equal and cannot hold a path that is not UTF-8; file systems know neither rule.
package struct ByteString: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  package init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  /// The UTF-8 bytes of `text`.
  package init(_ text: String) { bytes = Array(text.utf8) }

  package static func < (a: Self, b: Self) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  /// The text for people: bytes that are not UTF-8 become U+FFFD.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// The text, or nil when the bytes are not valid UTF-8.
  package var utf8String: String? { String(validating: bytes, as: UTF8.self) }
}

extension ByteString: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) { self.init(text) }
}

extension ByteString {
  /// The three bytes by which some programs mark UTF-8; every text that is read may start with them.
  package static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

  /// The text without the white space at its start and end.
  package var trimmed: ByteString {
    let isText = { (byte: UInt8) in byte != 32 && !(9...13).contains(byte) }
    guard let first = bytes.firstIndex(where: isText), let last = bytes.lastIndex(where: isText)
    else { return ByteString([]) }
    return first == 0 && last == bytes.count - 1 ? self : ByteString(bytes[first...last])
  }

  /// The distinct `labels` in class order: by value when every label is a 64-bit decimal integer
  /// (equal values such as `7` and `07` by bytes), else by bytes.
  package static func classes(of labels: some Sequence<ByteString>) -> [ByteString] {
    let distinct = Set(labels).sorted()
    let values = distinct.compactMap { $0.utf8String.flatMap { Int($0) } }
    guard values.count == distinct.count else { return distinct }
    // Sorting pairs keeps the order by bytes among equal values.
    return zip(values, distinct).sorted { $0 < $1 }.map(\.1)
  }
}
