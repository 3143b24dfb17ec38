internal import Communication
internal import ConvNet
internal import Extraction
internal import FeatureStore
internal import Files
internal import Foundation
internal import Logging
internal import Tensors

/// Extracts the images into a store, on all ranks together.
struct StorePart {
  let communicator: any Communicator
  let team: ThreadTeam
  let facts: JobFacts

  /// A digest: of the store's rows and of its table.
  ///
  /// - Throws: `JobFailure`.
  func run(_ images: [SelfTestImage]) throws -> [SelfTestDigest] {
    let temporary = FileManager.default.temporaryDirectory.path
    let folder = try communicator.shared(
      communicator.isRoot ? "\(temporary)/decaf-selftest-\(UUID().uuidString)" : nil)
    let isLeader = facts.leader(of: communicator.rank) == communicator.rank
    defer { if isLeader { try? FileManager.default.removeItem(atPath: folder) } }
    let request = try communicator.agree {
      if isLeader { try prepare(folder, images) }
      return try makeRequest(folder)
    }
    _ = try ExtractionJob(
      request, communicator: communicator, team: team,
      log: Logger(label: "decaf") { _ in SwiftLogNoOpLogHandler() }, facts: facts
    ).run()
    // Nobody removes what another still uses.
    return try communicator.agree {
      communicator.isRoot ? [try digest(ofStore: request.output)] : []
    }
  }

  private func prepare(_ folder: String, _ images: [SelfTestImage]) throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    for image in images {
      try Data(image.bytes).write(to: URL(fileURLWithPath: "\(folder)/\(image.name)"))
    }
    // More rows than a batch, so that several ranks have some; one cannot be read.
    let names = images.map(\.name) + ["missing.jpg"]
    let lines = (0..<40).map { "\(names[$0 % names.count]) class\($0 % 3)\n" }
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: "\(folder)/list.txt"))
    try Model.generate(architecture: .caffenet, seed: 4, through: "conv2")
      .write(to: "\(folder)/model.safetensors")
  }

  private func makeRequest(_ folder: String) throws -> ExtractionRequest {
    var request = ExtractionRequest(
      RecipeOptions(transform: try InputTransform.named("caffe")))
    request.list = "\(folder)/list.txt"
    request.model = "\(folder)/model.safetensors"
    request.output = "\(folder)/store"
    request.layers = [try BlobName(parsing: "pool1"), try BlobName(parsing: "conv2")]
    request.batchSize = 4
    request.rowsPerShard = 16
    request.progress = .log
    return request
  }

  private func digest(ofStore path: String) throws -> SelfTestDigest {
    let audit = try StoreAudit(path, team: team)
    if let problem = audit.problems.first { throw ProblemError(problem) }
    let store = try Store(path)
    var hasher = SHA256Digest.Hasher()
    for row in 0..<store.rowCount {
      let found = store.rows[row]
      hasher.update(Array("\(found.path) \(found.status.rawValue) \(found.message)\n".utf8))
    }
    for layer in store.provenance.layers {
      let rows = try store.layer(named: layer.name)
      for row in 0..<store.rowCount { hasher.update(rows.floats(row..<row + 1)) }
    }
    return SelfTestDigest("store", kernels: store.provenance.kernelClass, hasher)
  }
}
