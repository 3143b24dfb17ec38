internal import FeatureStore
internal import Files
internal import Formats
internal import Tensors

/// A record on disk: a safetensors file.
///
/// Metadata are `format`, `version`, `job` (the identity of the training, JSON), `phase`, `counts`
/// (JSON: arrays of integers) and `crc32c`, eight hexadecimal digits: the checksum of the texts of
/// job, phase and counts, then of name and bytes of each tensor, in the file's order. Doubles are F64,
/// vectors F32 matrices.
struct CheckpointFile: Equatable {
  var job: JSONValue
  var phase: String
  var record: CheckpointRecord

  private static let format = "decaf-checkpoint"
  private static let version = "1"

  /// Writes the file; it appears at `path` when it is complete.
  ///
  /// - Throws: `ClassificationError.cannotWrite`.
  func save(_ path: String) throws(ClassificationError) {
    let metadata = [
      "format": Self.format, "version": Self.version, "job": job.compactText, "phase": phase,
      "counts": counts.compactText, "crc32c": checksum,
    ]
    do throws(SystemError) {
      let writer = try SafetensorsWriter(
        path, metadata: metadata,
        tensors: record.numbers.sorted { $0.key < $1.key }.map {
          SafetensorsWriter.Description($0.key, [$0.value.count], .float64)
        }
          + record.vectors.sorted { $0.key < $1.key }.map {
            SafetensorsWriter.Description($0.key, [$0.value.count, $0.value.first?.count ?? 0])
          })
      for (_, values) in record.numbers.sorted(by: { $0.key < $1.key }) {
        try writer.append(values.span)
      }
      for (_, rows) in record.vectors.sorted(by: { $0.key < $1.key }) {
        for row in rows { try writer.append(row.span) }
      }
      try writer.finish()
    } catch { throw .cannotWrite(error) }
  }

  /// Reads the file.
  ///
  /// - Returns: nil where there is none.
  /// - Throws: `ClassificationError.invalidCheckpoint`.
  static func load(_ path: String) throws -> CheckpointFile? {
    func invalid(_ reason: String) -> ClassificationError {
      .invalidCheckpoint(path: path, reason: reason)
    }
    if try FileSystem.byteCount(of: path) == nil { return nil }
    let file: SafetensorsFile
    do { file = try SafetensorsFile(path) } catch { throw invalid("\(error)") }
    guard file.metadata["format"] == format else {
      throw invalid("its format is \(file.metadata["format"] ?? "not given")")
    }
    guard file.metadata["version"] == version else {
      throw invalid(
        "it has version \(file.metadata["version"] ?? "none"), this program reads \(version)")
    }
    var record = CheckpointRecord()
    let job: JSONValue
    do {
      job = try JSONValue(parsing: Array((file.metadata["job"] ?? "").utf8))
      record.counts = try JSONValue(parsing: Array((file.metadata["counts"] ?? "").utf8))
        .decoded([String: [Int]].self)
      for tensor in file.tensors where tensor.dtype == "F64" {
        record.numbers[tensor.name] = try file.doubles(tensor.name)
      }
      for tensor in file.tensors where tensor.dtype == "F32" && tensor.shape.count == 2 {
        let (count, length) = (tensor.shape[0], tensor.shape[1])
        // Rows without numbers take no bytes, so that a file may claim any number of them: left out
        // here, they are missed by the checksum.
        if length == 0 && count > 0 { continue }
        let stored = try file.storedFloats(tensor.name)
        record.vectors[tensor.name] = (0..<count).map {
          stored.floats($0 * length..<($0 + 1) * length)
        }
      }
    } catch { throw invalid("\(error)") }
    let found = CheckpointFile(job: job, phase: file.metadata["phase"] ?? "", record: record)
    guard found.checksum == file.metadata["crc32c"] else {
      throw invalid("its checksum is not that of its contents: it is damaged")
    }
    return found
  }

  private var counts: JSONValue {
    .object(record.counts.mapValues { .array($0.map { .number(Double($0)) }) })
  }

  private var checksum: String {
    var checksum = CRC32C()
    for text in [job.compactText, phase, counts.compactText] { checksum.update(Array(text.utf8)) }
    for (name, values) in record.numbers.sorted(by: { $0.key < $1.key }) {
      checksum.update(Array(name.utf8))
      checksum.update(NumberBytes.bytes(values))
    }
    for (name, rows) in record.vectors.sorted(by: { $0.key < $1.key }) {
      checksum.update(Array(name.utf8))
      for row in rows { checksum.update(NumberBytes.bytes(row)) }
    }
    let digits = String(checksum.value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
