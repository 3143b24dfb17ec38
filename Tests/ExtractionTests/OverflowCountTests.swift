import Communication
import ConvNet
import FeatureStore
import Foundation
import Images
import Logging
import Tensors
import TestSupport
import Testing

@testable import Extraction

/// Values beyond float16: counted once each, whatever the views, layers, ranks and retries.
@Suite struct OverflowCountTests {
  /// A network whose last layer's values are around float16's limit, half of them above.
  private static let model = Result {
    let path = NSTemporaryDirectory() + "decaf-overflow-\(getpid()).safetensors"
    try Model.generate(architecture: .caffenet, seed: 5, through: "conv1").write(to: path)
    try amplify("conv1.weight", in: path, by: 600)
    return path
  }

  /// Multiplies the numbers of a tensor of a safetensors file.
  private static func amplify(_ tensor: String, in path: String, by factor: Float) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header =
      try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: Any]
    let entry = try #require(header?[tensor] as? [String: Any])
    let offsets = try #require(entry["data_offsets"] as? [Int])
    for place in stride(from: 8 + length + offsets[0], to: 8 + length + offsets[1], by: 4) {
      let pattern = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
      let scaled = (Float(bitPattern: pattern) * factor).bitPattern
      for i in 0..<4 { bytes[place + i] = UInt8(truncatingIfNeeded: scaled >> UInt32(8 * i)) }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private func request(_ store: String, _ list: String, _ views: Views, _ dtype: ElementType) throws
    -> ExtractionRequest
  {
    var request = ExtractionRequest(RecipeOptions(transform: try InputTransform.named("caffe")))
    request.list = list
    request.model = try Self.model.get()
    request.output = store
    request.layers = try ["pool1", "conv1"].map { try BlobName(parsing: $0) }
    request.recipe.views = views
    request.dtype = dtype
    request.rowsPerShard = 2
    request.batchSize = 3
    request.progress = .log
    return request
  }

  @discardableResult
  private func run(_ request: ExtractionRequest, ranks: Int = 1) throws -> ExtractionSummary {
    try InProcessCommunicator.run(size: ranks, deadlineSeconds: 120) { communicator in
      try ExtractionJob(
        request, communicator: communicator, team: ThreadTeam(threadCount: 1),
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ).run()
    }[0]
  }

  /// Values of a store that float16, rounded to nearest even, cannot hold.
  private func beyondFloat16(_ path: String) throws -> Int {
    let store = try Store(path)
    return try store.provenance.layers.reduce(0) { count, layer in
      let values = try store.layer(named: layer.name)
      return (0..<store.rowCount).reduce(count) { count, row in
        count + values.floats(row..<row + 1).count { abs($0) >= 65520 }
      }
    }
  }

  private func manifestCount(_ path: String) throws -> Int {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/store.json"))
    let manifest = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    return try #require(manifest["overflowCount"] as? Int)
  }

  /// A list of the fixture's first good images, the last of which is not there yet.
  private func list(in folder: String) throws -> (path: String, missing: String, source: String) {
    let fixture = try ExtractionJobTests.fixture.get()
    let good = [0, 1, 2, 4].map { "\(fixture.folder)/images/\($0).jpg" }
    let missing = "\(folder)/late.jpg"
    let path = "\(folder)/list.txt"
    try Data((good + [missing]).joined(separator: "\n").utf8).write(
      to: URL(fileURLWithPath: path))
    return (path, missing, "\(fixture.folder)/images/6.jpg")
  }

  @Test(arguments: [(Views.center, 1), (.center, 2), (.ten, 2), (.tenAll, 1)])
  func countIsThatOfTheValues(_ views: Views, ranks: Int) throws {
    try withTemporaryFolder { folder in
      let (list, missing, source) = try list(in: folder)
      let half = try request("\(folder)/half", list, views, .float16)
      let first = try run(half, ranks: ranks)
      try run(try request("\(folder)/partial", list, views, .float32))
      let before = try beyondFloat16("\(folder)/partial")
      #expect(before > 1000)
      #expect(first.overflows == before)
      #expect(try manifestCount("\(folder)/half") == before)

      // A row that failed is there after all: its values come on top, and none counts twice.
      try FileManager.default.copyItem(atPath: source, toPath: missing)
      var again = half
      again.retryFailed = true
      let second = try run(again, ranks: ranks)
      try run(try request("\(folder)/full", list, views, .float32))
      let after = try beyondFloat16("\(folder)/full")
      #expect(after > before)
      #expect(second.overflows == after - before)
      #expect(try manifestCount("\(folder)/half") == after)
      try run(try request("\(folder)/fresh", list, views, .float16))
      #expect(
        try ExtractionFixture.contents(ofStore: "\(folder)/fresh")
          == ExtractionFixture.contents(ofStore: "\(folder)/half"))
    }
  }
}
