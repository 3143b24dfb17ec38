import Communication
import FeatureStore
import Files
import Tensors
import TestSupport

@testable import Classification

extension FuzzTarget {
  private static func classifier(_ store: Store) throws -> Classifier {
    let options = TrainingOptions(loss: .softmax, C: 1, standardizes: true)
    let result = try Trainer(
      options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
    ).train(try StoreRows(store, layer: "f"))
    return Classifier(
      result, options: options,
      features: FeatureOrigin(store.provenance, layer: store.provenance.layers[0]))
  }

  /// Metadata without the digest: what earlier versions wrote, and what damage reaches all checks of.
  private static func withoutDigest(_ path: String) throws -> [UInt8] {
    let file = try SmallSafetensors(readTestFile(path))
    return file.removing("sha256")
  }

  static let classifiers = [
    FuzzTarget(
      "classifier",
      FuzzSeeds { folder in
        let store = try SmallStore.complete("\(folder)/train.store")
        let path = "\(folder)/seed.safetensors"
        try classifier(store).save(path)
        return [try readTestFile(path), try withoutDigest(path)]
      }
    ) { bytes, folder in
      let classifier = try Classifier.load(
        writeTestFile(bytes, "classifier.safetensors", in: folder))
      let row = [Float](repeating: 1, count: classifier.width)
      _ = PredictionTable(classes: classifier.classes, includesScores: true).header
      _ = classifier.scores(row.span).indexOfLargest()
    },
    FuzzTarget(
      "checkpoint",
      FuzzSeeds { folder in
        let path = "\(folder)/seed.checkpoint"
        var record = CheckpointRecord()
        record.counts = ["iterations": [3], "é": [1, 2]]
        record.numbers = ["state.point": [1, 2.5]]
        record.vectors = ["state.steps": [[1, 2], [3, 4]], "none": []]
        let file = CheckpointFile(job: .object(["C": .number(1)]), phase: "descent", record: record)
        try file.save(path)
        return [try readTestFile(path)]
      }
    ) { bytes, folder in
      let path = try writeTestFile(bytes, "a.checkpoint", in: folder)
      guard let found = try CheckpointFile.load(path) else { return }
      _ = (found.record.part("state"), found.job.differences(from: .null))
    },
  ]
}
