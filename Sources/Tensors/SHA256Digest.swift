internal import Crypto

/// A SHA-256 value, and the way to compute one piece by piece.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  package let hexadecimal: String

  package init(hexadecimal: String) { self.hexadecimal = hexadecimal }

  /// The digest of `bytes`.
  package init(of bytes: some Sequence<UInt8>) {
    var hasher = Hasher()
    hasher.update(Array(bytes))
    self = hasher.finalize()
  }

  package var description: String { hexadecimal }

  /// Takes bytes in any number of pieces; the digest depends on their concatenation alone.
  package struct Hasher {
    private var state = SHA256()

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
      state.update(bufferPointer: bytes)
    }

    package mutating func update(_ bytes: [UInt8]) {
      bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    package func finalize() -> SHA256Digest {
      let digits = Array("0123456789abcdef".utf8)
      var text = [UInt8]()
      for byte in state.finalize() {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
      return SHA256Digest(hexadecimal: String(decoding: text, as: UTF8.self))
    }
  }
}
