package import Files
package import Tensors

/// Writes tensors of numbers, one after the other, as a safetensors file.
///
/// The bytes depend on nothing but the arguments: header keys are sorted by their UTF-8 bytes, the
/// tensors' bytes follow in the order given. The header is padded with spaces, as the format allows,
/// so that the data begins at a multiple of 64 bytes and can be used in place once mapped.
package final class SafetensorsWriter {
  /// A tensor to come.
  package struct Description: Sendable {
    package let name: String
    package let shape: [Int]
    package let type: ElementType

    package init(_ name: String, _ shape: [Int], _ type: ElementType = .float32) {
      (self.name, self.shape, self.type) = (name, shape, type)
    }

    fileprivate var byteCount: Int { shape.reduce(type.byteCount, *) }
  }

  /// A tensor and its numbers, as bytes.
  package struct Tensor: Sendable {
    fileprivate let description: Description
    fileprivate let bytes: [UInt8]

    package init(_ name: String, _ shape: [Int], _ floats: [Float]) {
      description = Description(name, shape)
      bytes = NumberBytes.bytes(floats)
      precondition(bytes.count == description.byteCount, "\(name): shape")
    }

    /// - Parameter isNarrow: whether to write float32, which holds the numbers, not float64.
    package init(_ name: String, _ shape: [Int], _ doubles: [Double], isNarrow: Bool) {
      description = Description(name, shape, isNarrow ? .float32 : .float64)
      bytes = isNarrow ? NumberBytes.bytes(doubles.map(Float.init)) : NumberBytes.bytes(doubles)
      precondition(bytes.count == description.byteCount, "\(name): shape")
    }
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

  /// Writes all of `tensors` at once, and their digest with the rest of the metadata below `digestKey`.
  ///
  /// - Throws: `SystemError` when they cannot be written.
  package static func write(
    _ path: String, metadata: [String: String], digestKey: String,
    tensors: [Tensor]
  ) throws(SystemError) {
    var digest = SafetensorsDigest(metadata: metadata, without: digestKey)
    for tensor in tensors {
      let description = tensor.description
      digest.add(
        description.name, dtype: description.type.safetensorsName, shape: description.shape)
      tensor.bytes.withUnsafeBytes { digest.add($0) }
    }
    var metadata = metadata
    metadata[digestKey] = digest.value.hexadecimal
    let writer = try SafetensorsWriter(
      path, metadata: metadata, tensors: tensors.map(\.description))
    for tensor in tensors { try writer.append(tensor.bytes.span) }
    try writer.finish()
  }

  /// The 8 bytes of length and the JSON, padded to a multiple of 64 bytes together.
  static func header(metadata: [String: String], tensors: [Description]) -> [UInt8] {
    var members: [String: JSONValue] = [:]
    if !metadata.isEmpty {
      members[SafetensorsHeader.metadataKey] = .object(metadata.mapValues { .string($0) })
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      let description: JSONValue = .object([
        "data_offsets": .integers([offset, end]), "dtype": .string(tensor.type.safetensorsName),
        "shape": .integers(tensor.shape),
      ])
      precondition(
        members.updateValue(description, forKey: tensor.name) == nil, "a name occurs twice")
      offset = end
    }
    var json = Array(JSONValue.object(members).compactText.utf8)
    json += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (8 + json.count) % 64) % 64)
    return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
  }
}
