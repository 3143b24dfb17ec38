import Classification
import FeatureStore
import Files
import Foundation
import Images
import Tensors

@testable import Evaluation

/// Stores with made-up features, and protocols to run on them.
enum EvaluationFixture {
  /// `rowsPerClass` rows of each of three classes around centres, some of them failed or unlabelled.
  static func store(
    _ path: String, rowsPerClass: Int = 12, shift: Float = 0, seed: UInt64 = 3,
    classes: [String] = ["b", "a\tc", "é"], layers: [String] = ["fc6"], origin: String = "w"
  ) throws -> Store {
    let width = 5
    let count = rowsPerClass * classes.count + 2
    let specs = layers.map { LayerSpec(name: $0, fileStem: $0, shape: [width]) }
    let provenance = Provenance(
      list: .init(sha256: SHA256Digest(of: "\(seed)".utf8), rows: count),
      recipe: FeatureRecipe(
        model: .init(architecture: "caffenet", sha256: SHA256Digest(of: origin.utf8)),
        transform: .object([:]), decode: "exact", views: "center", precision: "fp32"),
      layers: specs, dtype: .float32, kernelClass: "avx2", arithmetic: 1)
    let writer = try StoreWriter.open(
      path, provenance: provenance, classes: ByteString.classes(of: classes.map { ByteString($0) }))
    var data: [[UInt8]] = []
    for layer in layers.indices {
      var generator = SeededGenerator(seed: seed, stream: UInt64(layer))
      var bytes: [UInt8] = []
      for row in 0..<count {
        if row == 4 {
          bytes += ElementType.float32.missing(width)
          continue
        }
        let label = row % classes.count
        ElementType.float32.append(
          (0..<width).map {
            ($0 == label ? 1.5 : 0) + shift * Float($0) + generator.normal()
          }, to: &bytes)
      }
      data.append(bytes)
    }
    try writer.recordStarted(0..<count)
    try writer.recordFinished(
      FinishedRows(
        rows: 0..<count, exceptions: [RowException(row: 4, status: .failed, message: "gone")],
        overflowCount: 0, data: data), rows: data)
    try writer.complete { row in
      (ByteString("\(row).jpg"), row == 7 ? nil : ByteString(classes[row % classes.count]))
    }
    return try Store(path)
  }

  static let fewShot = """
    name: small
    title: A small one
    kind: few-shot
    layers: [fc6]
    losses: [softmax, squared-hinge]
    normalize: l2
    C: [1, 0.1, 10]
    validation: {rows: 1, of: 4, fallback-C: 2}
    training-rows: [4, 1]
    splits: 3
    seed: 9
    paper-classes: 4
    baselines:
      - {method: Others 2009, column: 4, accuracy: 84.3}
      - {method: Others 2009, column: 7, accuracy: 11.1}
    paper:
      - {layer: fc6, loss: softmax, column: 4, accuracy: 50.5, deviation: 1, method: LogReg}
    """

  static let adaptation = """
    name: domains
    kind: adaptation
    layers: [fc6, fc7]
    losses: [squared-hinge]
    normalize: none
    C: [1]
    source-rows: {x: 6, y: 5}
    target-rows: 2
    pairs: [x→y, y→x, x→z]
    methods: [S, T, ST, Daumé]
    splits: 2
    seed: 1
    """
}
