package import Files

/// SHA-256 of what a safetensors file says, whatever its header looks like: every text of the metadata
/// by the bytes of its key, then each tensor's name, type, shape and bytes in the order of the file.
///
/// The format has no check of its own: a flipped bit in a number, or in a word of the metadata, gives
/// another file that is just as sound. Each text goes in after its length, so that no two contents
/// give the same bytes.
package struct SafetensorsDigest {
  private var hasher = SHA256Digest.Hasher()

  /// - Parameter key: left out of the metadata: where the digest itself will stand.
  package init(metadata: [String: String], without key: String) {
    let texts = metadata.map { (ByteString($0.key), $0.value) }.filter { $0.0 != ByteString(key) }
    add("\(texts.count)")
    for (key, value) in texts.sorted(by: { $0.0 < $1.0 }) {
      add(key.description)
      add(value)
    }
  }

  /// Begins the next tensor.
  package mutating func add(_ name: String, dtype: String, shape: [Int]) {
    add(name)
    add(dtype)
    add(shape.map(String.init).joined(separator: ","))
  }

  /// Adds bytes of the tensor that was begun last, in any number of pieces.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }

  package var value: SHA256Digest { hasher.finalize() }

  private mutating func add(_ text: String) {
    let bytes = Array(text.utf8)
    hasher.update(Array("\(bytes.count):".utf8) + bytes)
  }
}
