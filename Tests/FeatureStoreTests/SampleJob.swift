import Files
import Foundation
import Images
import Tensors

@testable import FeatureStore

/// A small job whose rows are made up from their numbers, with failures, warnings and odd names.
struct SampleJob: Sendable {
  var provenance: Provenance
  /// Rows that fail; every other row that is a multiple of 5 has a warning.
  var failing: Set<Int>
  /// Rows with values that are infinite in float32 already.
  var infinite: Set<Int> = []
  let classes = [ByteString("a\tb"), ByteString("é"), ByteString("e\u{301}")]

  init(
    rows: Int = 11, rowsPerShard: Int? = 4, dtype: ElementType = .float32,
    layers: [LayerSpec] = [
      LayerSpec(name: "pool5", fileStem: "pool5", shape: [2, 1, 2]),
      LayerSpec(name: "fc6:pre", fileStem: "fc6-pre", shape: [3]),
    ],
    failing: Set<Int> = [2, 9], weights: String = "w"
  ) {
    self.failing = failing
    provenance = Provenance(
      list: .init(sha256: SHA256Digest(of: "list".utf8), rows: rows),
      recipe: FeatureRecipe(
        model: .init(architecture: "caffenet", sha256: SHA256Digest(of: weights.utf8)),
        transform: .object(["mean": .array([.number(104.00698793), .number(117)])]),
        decode: "exact", views: "center", precision: "fp32"),
      layers: layers, dtype: dtype, rowsPerShard: rowsPerShard, kernelClass: "avx2", arithmetic: 1)
  }

  var rowCount: Int { provenance.list.rows }

  /// The values of a row of a layer; one in five rows overflows float16.
  func values(row: Int, layer: Int) -> [Float] {
    if failing.contains(row) {
      return [Float](repeating: .nan, count: provenance.layers[layer].width)
    }
    return (0..<provenance.layers[layer].width).map {
      if infinite.contains(row) && $0 == 1 { return Float.infinity }
      return row % 5 == 1 && $0 == 0 ? 1e6 : Float(row * 100 + layer * 10 + $0) / 8
    }
  }

  func list(_ row: Int) -> (path: ByteString, label: ByteString?) {
    // Not UTF-8, and what must be escaped.
    let path = ByteString(Array("dir\\n/im\tage\n".utf8) + [0xff, UInt8(truncatingIfNeeded: row)])
    return (path, row % 4 == 3 ? nil : classes[row % 4])
  }

  func batch(_ rows: Range<Int>) -> (batch: FinishedRows, data: [[UInt8]]) {
    var overflowCount = 0
    let data = provenance.layers.indices.map { layer in
      var bytes = [UInt8]()
      for row in rows {
        if failing.contains(row) {
          bytes += provenance.dtype.missing(provenance.layers[layer].width)
        } else {
          overflowCount += provenance.dtype.append(values(row: row, layer: layer), to: &bytes)
        }
      }
      return bytes
    }
    let exceptions = rows.compactMap { row -> RowException? in
      if failing.contains(row) {
        return RowException(row: row, status: .failed, message: "no such file:\t\(row)")
      }
      return row % 5 == 0
        ? RowException(row: row, status: .ok, message: "warning\nwith \\ signs") : nil
    }
    return (
      FinishedRows(rows: rows, exceptions: exceptions, overflowCount: overflowCount, data: data),
      data
    )
  }

  /// The unfinished rows in batches of up to `size`, in an order that `seed` decides.
  func batches(_ unfinished: [Range<Int>], size: Int, seed: UInt64) -> [Range<Int>] {
    var generator = SeededGenerator(seed)
    return unfinished.flatMap { range in
      stride(from: range.lowerBound, to: range.upperBound, by: size).map {
        $0..<min($0 + size, range.upperBound)
      }
    }.shuffled(using: &generator)
  }

  func open(_ path: String, overwrite: Bool = false, retryFailed: Bool = false) throws
    -> StoreWriter
  {
    try StoreWriter.open(
      path, provenance: provenance, classes: classes, overwrite: overwrite,
      retryFailed: retryFailed)
  }

  /// Finishes what is unfinished; calls `recorded` with the rows that a flush made durable.
  func run(
    _ writer: StoreWriter, size: Int = 3, seed: UInt64 = 1, limit: Int = .max,
    recorded: (RowSet) -> Void = { _ in }
  ) throws {
    var done = RowSet()
    let batches = batches(writer.unfinished, size: size, seed: seed).prefix(limit)
    for rows in batches { try writer.recordStarted(rows) }
    for (i, rows) in batches.enumerated() {
      let (batch, data) = batch(rows)
      try writer.recordFinished(batch, rows: data)
      done.insert(rows)
      if i % 2 == 1 {
        try writer.flush()
        recorded(done)
      }
    }
    try writer.flush()
    recorded(done)
  }

  /// Makes the whole store.
  @discardableResult
  func make(at path: String, size: Int = 3, seed: UInt64 = 1) throws -> [String: [UInt8]] {
    let writer = try open(path)
    try run(writer, size: size, seed: seed)
    try writer.complete(list: list)
    return try contents(of: path)
  }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

/// A fresh folder that is removed with the object; in memory where the system offers that.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    let memory = "/dev/shm"
    let base =
      FileManager.default.isWritableFile(atPath: memory)
      ? memory : FileManager.default.temporaryDirectory.path
    path = "\(base)/decaf-features-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func sub(_ name: String) -> String { "\(path)/\(name)" }
}

/// Every file directly in the folder.
func contents(of path: String) throws -> [String: [UInt8]] {
  var files = [String: [UInt8]]()
  for name in try FileSystem.names(in: path) where !FileSystem.isFolder("\(path)/\(name)") {
    files[name] = try readFile("\(path)/\(name)")
  }
  return files
}

func readFile(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
  try Data(bytes).write(to: URL(filePath: path))
}

/// Empties the folder, or makes it, and puts the files in.
func restore(_ files: [String: [UInt8]], at path: String) throws {
  try? FileManager.default.removeItem(atPath: path)
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  for (name, bytes) in files { try writeFile("\(path)/\(name)", bytes) }
}

extension StoreWriter {
  /// Rows that need not be computed any more.
  var finishedRowCount: Int {
    provenance.list.rows - unfinished.reduce(0) { $0 + $1.count }
  }
}
