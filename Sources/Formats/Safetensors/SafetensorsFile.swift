package import Files
package import Tensors

/// A safetensors file, mapped: its metadata, and tensors that are read when asked for.
///
/// Format: 8 bytes of header length (little-endian), a JSON header that gives each tensor's dtype,
/// shape and place, then the tensors' bytes without gaps. Everything is checked on opening; a file
/// that passes cannot lead a reader out of its bounds. See “Format” in the README of
/// huggingface/safetensors.
package struct SafetensorsFile: Sendable {
  /// One tensor's description.
  package struct Tensor: Sendable, Hashable {
    package let name: String
    /// `F32`, `F16`, `BF16`, `F64`, `I64`, …
    package let dtype: String
    /// Row-major; empty for a single number.
    package let shape: [Int]
    /// Where its bytes are in the file.
    package let range: Range<Int>

    /// They are numbers that can be had as floats.
    package var isOfFloats: Bool { ElementType(safetensors: dtype)?.isFloat ?? false }
  }

  package let path: String
  package let metadata: [String: String]
  /// In the order of their bytes.
  package let tensors: [Tensor]
  private let file: MappedFile
  /// By the bytes of their names: `String` takes composed characters for equal to others.
  private let indices: [ByteString: Int]

  /// The format's own limit.
  static let headerLimit = 100_000_000

  static let elementByteCounts = [
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2,
    "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
  ]

  /// A file begins like safetensors: a possible header length, then `{`.
  package static func isSafetensors(_ file: MappedFile) -> Bool {
    guard file.byteCount >= 9 else { return false }
    return file.bytes(8..<9) == [UInt8(ascii: "{")] && headerByteCount(file) <= headerLimit
  }

  /// - Throws: `SafetensorsError` when the file cannot be mapped or breaks a rule of the format.
  package init(_ path: String) throws(SafetensorsError) {
    do throws(SystemError) {
      file = try MappedFile(path)
    } catch { throw .cannotRead(error) }
    self.path = path
    guard file.byteCount >= 8 else {
      throw .notSafetensors(path: path, reason: "\(file.byteCount) bytes")
    }
    let length = Self.headerByteCount(file)
    guard length <= Self.headerLimit else {
      throw .notSafetensors(path: path, reason: "a header length of \(length) bytes")
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= file.byteCount else {
      throw .truncated(path: path, expectedByteCount: dataStart, byteCount: file.byteCount)
    }
    let header = try SafetensorsHeader(path: path, bytes: file.bytes(8..<dataStart))
    metadata = header.metadata
    let entries = header.entries.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
    tensors = try Self.place(entries, path: path, from: dataStart, byteCount: file.byteCount)
    indices = Dictionary(
      uniqueKeysWithValues: tensors.indices.map { [tensors] in
        (ByteString(tensors[$0].name), $0)
      })
  }

  private static func headerByteCount(_ file: MappedFile) -> UInt64 {
    file.bytes(0..<8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Checks that the tensors fill the file without gap, overlap or overflow.
  private static func place(
    _ entries: [SafetensorsHeader.Entry], path: String, from dataStart: Int, byteCount: Int
  ) throws(SafetensorsError) -> [Tensor] {
    var tensors = [Tensor]()
    var end = 0
    for entry in entries {
      let bad = { (reason: String) in
        SafetensorsError.malformedTensor(path: path, name: entry.name, reason: reason)
      }
      guard let width = elementByteCounts[entry.dtype] else {
        throw bad("dtype '\(entry.dtype)' is unknown")
      }
      guard let size = entry.shape.product(times: width) else {
        throw bad("shape \(entry.shape) is too large")
      }
      guard entry.begin <= entry.end, entry.end - entry.begin == size else {
        throw bad(
          "shape \(entry.shape) of \(entry.dtype) takes \(size) bytes, "
            + "data_offsets \(entry.begin)...\(entry.end) do not")
      }
      guard entry.begin == end else {
        throw bad("expected data at offset \(end), where the one before ends, found \(entry.begin)")
      }
      guard entry.end <= byteCount - dataStart else {
        throw .truncated(
          path: path, expectedByteCount: dataStart.addingReportingOverflow(entry.end).partialValue,
          byteCount: byteCount)
      }
      end = entry.end
      tensors.append(
        Tensor(
          name: entry.name, dtype: entry.dtype, shape: entry.shape,
          range: dataStart + entry.begin..<dataStart + entry.end))
    }
    guard dataStart + end == byteCount else {
      throw .notSafetensors(
        path: path, reason: "\(byteCount - dataStart - end) bytes after the last tensor")
    }
    return tensors
  }

  package func tensor(named name: String) -> Tensor? {
    indices[ByteString(name)].map { tensors[$0] }
  }

  /// The digest of everything the file says, for who has one to compare with.
  ///
  /// - Parameter key: of the metadata, left out: where the digest itself stands.
  package func contentDigest(without key: String) -> SHA256Digest {
    var digest = SafetensorsDigest(metadata: metadata, without: key)
    for tensor in tensors {
      digest.add(tensor.name, dtype: tensor.dtype, shape: tensor.shape)
      file.withBytes(tensor.range) { digest.add($0) }
    }
    return digest.value
  }

  /// The numbers of the tensor called `name`, not read yet.
  ///
  /// - Throws: `SafetensorsError.missingTensor`, or `wrongElementType` for integers.
  package func storedFloats(_ name: String) throws(SafetensorsError) -> StoredFloats {
    guard let tensor = tensor(named: name) else {
      throw .missingTensor(path: path, name: name, found: tensors.map(\.name))
    }
    guard let element = ElementType(safetensors: tensor.dtype), element.isFloat else {
      throw .wrongElementType(path: path, name: name, found: tensor.dtype)
    }
    return StoredFloats(
      file,
      [
        StoredFloats.Segment(
          element, offset: tensor.range.lowerBound,
          count: tensor.range.count / element.byteCount)
      ])
  }

  /// A copy of the numbers of the tensor called `name`, F32, F64, F16 or BF16 alike; row-major.
  ///
  /// - Throws: as `storedFloats`.
  package func floats(_ name: String) throws(SafetensorsError) -> [Float] {
    try storedFloats(name).floats()
  }

  /// A copy of the numbers of the F64 tensor called `name`, without rounding; row-major.
  ///
  /// - Throws: `SafetensorsError.missingTensor`, or `wrongElementType` for others than F64.
  package func doubles(_ name: String) throws(SafetensorsError) -> [Double] {
    guard let tensor = tensor(named: name) else {
      throw .missingTensor(path: path, name: name, found: tensors.map(\.name))
    }
    guard tensor.dtype == ElementType.float64.safetensorsName else {
      throw .wrongElementType(path: path, name: name, found: tensor.dtype)
    }
    return NumberBytes.numbers(file.bytes(tensor.range))
  }
}
