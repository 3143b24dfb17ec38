import Files

/// The header of a small safetensors file, to be written otherwise.
struct SmallSafetensors {
  private var header: [String: JSONValue] = [:]
  private let data: [UInt8]

  init(_ bytes: [UInt8]) throws {
    let count = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    if case .object(let members) = try JSONValue(parsing: Array(bytes[8..<8 + count])) {
      header = members
    }
    data = Array(bytes[(8 + count)...])
  }

  /// The file without a text of its metadata.
  func removing(_ key: String) -> [UInt8] {
    var header = header
    if case .object(var metadata)? = header["__metadata__"] {
      metadata[key] = nil
      header["__metadata__"] = .object(metadata)
    }
    let json = Array(JSONValue.object(header).compactText.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json + data
  }
}
