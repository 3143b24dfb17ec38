package import Files

/// Writes tensors of floats or doubles, one after the other, as a safetensors file.
///
/// The bytes depend on nothing but the arguments: header keys are sorted by their UTF-8 bytes, the
/// tensors' bytes follow in the order given. The header is padded with spaces, as the format allows,
/// so that the data begins at a multiple of 64 bytes and can be used in place once mapped.
package final class SafetensorsWriter {
  /// A tensor to come.
  package struct Description: Sendable {
    package let name: String
    package let shape: [Int]
    /// Whether its numbers are doubles.
    package let isWide: Bool

    package init(_ name: String, _ shape: [Int], isWide: Bool = false) {
      (self.name, self.shape, self.isWide) = (name, shape, isWide)
    }

    fileprivate var byteCount: Int { shape.reduce(isWide ? 8 : 4, *) }
  }

  private let file: ReplacementFile
  private var missingByteCount: Int

  /// Writes the header of a file that appears at `path` when `finish()` has returned.
  ///
  /// - Precondition: names are unique, none is `__metadata__`.
  /// - Throws: `SystemError` when it cannot be written.
  package init(
    _ path: String, metadata: [String: String], tensors: [Description]
  ) throws(SystemError) {
    let header = Self.header(metadata: metadata, tensors: tensors)
    file = try ReplacementFile(path)
    missingByteCount = tensors.reduce(0) { $0 + $1.byteCount }
    try file.append(header)
  }

  /// The same for tensors of floats.
  ///
  /// - Throws: `SystemError` when it cannot be written.
  package convenience init(
    _ path: String, metadata: [String: String], tensors: [(name: String, shape: [Int])]
  ) throws(SystemError) {
    try self.init(
      path, metadata: metadata, tensors: tensors.map { Description($0.name, $0.shape) })
  }

  /// Appends the next numbers, in any number of pieces: the first tensor's, the second's, …
  ///
  /// - Throws: `SystemError` when they cannot be written.
  package func append<Number: BitwiseCopyable>(_ numbers: Span<Number>) throws(SystemError) {
    let byteCount = MemoryLayout<Number>.stride * numbers.count
    precondition(byteCount <= missingByteCount, "more numbers than the shapes announce")
    try file.append(numbers)
    missingByteCount -= byteCount
  }

  /// Makes the file durable and gives it its name.
  ///
  /// - Precondition: all numbers have been appended.
  /// - Throws: `SystemError`; whatever was at the path is then still there.
  package func finish() throws(SystemError) {
    precondition(missingByteCount == 0, "\(missingByteCount) bytes are missing")
    try file.commit()
  }

  /// Writes all of `tensors` at once.
  ///
  /// - Throws: `SystemError` when they cannot be written.
  package static func write(
    _ path: String, metadata: [String: String],
    tensors: [(name: String, shape: [Int], floats: [Float])]
  ) throws(SystemError) {
    let writer = try SafetensorsWriter(
      path, metadata: metadata, tensors: tensors.map { ($0.name, $0.shape) })
    for tensor in tensors {
      precondition(tensor.floats.count == tensor.shape.reduce(1, *), "\(tensor.name): shape")
      try writer.append(tensor.floats.span)
    }
    try writer.finish()
  }

  /// The 8 bytes of length and the JSON, padded to a multiple of 64 bytes together.
  static func header(metadata: [String: String], tensors: [Description]) -> [UInt8] {
    var members = [(key: String, value: String)]()
    if !metadata.isEmpty {
      let pairs = sorted(metadata.map { ($0.key, quoted($0.value)) })
      members.append(("__metadata__", "{\(joined(pairs))}"))
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      let dtype = tensor.isWide ? "F64" : "F32"
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        (
          tensor.name,
          "{\"data_offsets\":[\(offset),\(end)],\"dtype\":\"\(dtype)\",\"shape\":[\(shape)]}"
        ))
      offset = end
    }
    precondition(Set(members.map(\.key)).count == members.count, "a tensor's name occurs twice")
    var json = Array("{\(joined(sorted(members)))}".utf8)
    json += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (8 + json.count) % 64) % 64)
    return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
  }

  private static func sorted(
    _ members: [(key: String, value: String)]
  ) -> [(key: String, value: String)] {
    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }

  private static func joined(_ members: [(key: String, value: String)]) -> String {
    members.map { "\(quoted($0.key)):\($0.value)" }.joined(separator: ",")
  }

  /// `text` as a JSON string; all but quotes, backslashes and control characters as they are.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
