internal import Classification
internal import FeatureStore
internal import Files
internal import Tensors

/// What decides the bytes of an evaluation's results: what an unfinished one did is no use to
/// another, and results know the evaluation they came from.
///
/// What is not here (ranks, threads, paths, limits of time) does not show in them.
package struct EvaluationIdentity: Sendable {
  /// Everything, for `differences`.
  let json: JSONValue

  /// Grows when the same evaluation starts to give other bytes.
  private static let arithmetic = 1

  /// - Parameter kernels: the lowest class among the ranks, which serves all.
  init(
    _ evaluation: EvaluationProtocol, stores: [String: Store], layers: [String],
    kernels: KernelClass
  ) {
    json = .object([
      "protocol": evaluation.json, "paper": evaluation.paperJSON,
      // Text, for JSON has no integers of 64 bits.
      "seed": .string("\(evaluation.seed)"),
      "layers": .array(layers.map { .string($0) }),
      "stores": .object(stores.mapValues { Self.json($0, layers) }),
      "kernelClass": .string(kernels.rawValue), "arithmetic": .number(Double(Self.arithmetic)),
    ])
  }

  /// A store, by what it says of itself and of its files.
  private static func json(_ store: Store, _ layers: [String]) -> JSONValue {
    .object([
      "fingerprint": .string(store.manifest.fingerprint),
      "rows": .string(store.manifest.rows.sha256),
      "shards": .array(
        store.manifest.layers.filter { layer in
          layers.contains { $0.utf8.elementsEqual(layer.name.utf8) }
        }.flatMap { $0.shards.map { .string($0.sha256) } }),
    ])
  }

  /// SHA-256 of all of it, as `results.json` has it.
  package var job: String { SHA256Digest(of: Array(json.compactText.utf8)).hexadecimal }

  /// What this evaluation has otherwise than another, in words.
  func differences(from other: JSONValue) -> [String] {
    json.differences(from: other).map {
      "\($0.keyPath): the one there has \($0.other), this one \($0.own)"
    }
  }
}

extension EvaluationProtocol {
  /// The published numbers, which stand in the tables.
  fileprivate var paperJSON: JSONValue {
    .object([
      "classes": paperClassCount.map { .number(Double($0)) } ?? .null,
      "results": .array(
        paper.map { result in
          .object([
            "layer": .string(result.layer), "loss": .string(result.loss.rawValue),
            "dropout": .number(result.dropout), "group": .string(result.group),
            "column": .string(result.column), "accuracy": .number(result.accuracy),
            "deviation": result.deviation.map { .number($0) } ?? .null,
          ])
        }),
    ])
  }
}
