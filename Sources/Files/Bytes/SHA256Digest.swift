internal import CCrypto

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
    private var state = State()

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
      if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
      state.update(bytes)
    }

    package mutating func update(_ bytes: [UInt8]) {
      bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of everything taken so far; more may be taken afterwards.
    package func finalize() -> SHA256Digest {
      let digits = Array("0123456789abcdef".utf8)
      var text = [UInt8]()
      for byte in State(copying: state).finalize() {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
      return SHA256Digest(hexadecimal: String(decoding: text, as: UTF8.self))
    }
  }
}

extension MappedFile {
  /// The digest of all its bytes.
  package var sha256: SHA256Digest {
    var hasher = SHA256Digest.Hasher()
    withBytes { hasher.update($0) }
    return hasher.finalize()
  }
}

/// The one owner of a digest context of libcrypto.
///
/// Its calls fail only where there is no memory or where the library was built without SHA-256:
/// nothing that a caller could do better about than stop.
private final class State {
  private let context: OpaquePointer

  init() {
    context = Self.make()
    // The algorithm is looked up once: a look-up takes longer than a short text's digest.
    check(EVP_DigestInit_ex(context, Self.algorithm, nil))
  }

  init(copying other: State) {
    context = Self.make()
    check(EVP_MD_CTX_copy_ex(context, other.context))
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    check(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count))
  }

  /// The 32 bytes of the digest; the state is of no use afterwards.
  func finalize() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      check(EVP_DigestFinal_ex(context, buffer.baseAddress, nil))
      count = 32
    }
  }

  // Never changed and never freed: safe to share.
  private nonisolated(unsafe) static let algorithm: OpaquePointer = {
    guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
      preconditionFailure("libcrypto has no SHA-256")
    }
    return algorithm
  }()

  private static func make() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else {
      preconditionFailure("libcrypto has no memory for a digest")
    }
    return context
  }

  private func check(_ result: Int32) {
    precondition(result == 1, "libcrypto cannot compute SHA-256")
  }
}
