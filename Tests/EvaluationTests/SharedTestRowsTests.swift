import Communication
import FeatureStore
import Files
import Foundation
import Images
import Plotting
import Tensors
import TestSupport
import Testing

@testable import Evaluation

/// Test rows that several ranks predict, each a part of them.
@Suite struct SharedTestRowsTests {
  /// A store of these rows, with a layer `fc6`.
  static func store(
    _ path: String, _ rows: [(label: String, features: [Float])]
  ) throws -> Store {
    let width = rows[0].features.count
    let provenance = Provenance(
      list: .init(sha256: SHA256Digest(of: path.utf8), rows: rows.count),
      recipe: FeatureRecipe(
        model: .init(architecture: "caffenet", sha256: SHA256Digest(of: "w".utf8)),
        transform: .object([:]), decode: "exact", views: "center", precision: "fp32"),
      layers: [LayerSpec(name: "fc6", fileStem: "fc6", shape: [width])], dtype: .float32,
      kernelClass: "avx2", arithmetic: 1)
    let labels = rows.map { ByteString($0.label) }
    let writer = try StoreWriter.open(
      path, provenance: provenance, classes: ByteString.classes(of: labels))
    var bytes: [UInt8] = []
    for row in rows { ElementType.float32.append(row.features, to: &bytes) }
    try writer.recordStarted(0..<rows.count)
    try writer.recordFinished(
      FinishedRows(rows: 0..<rows.count, exceptions: [], overflowCount: 0, data: [bytes]),
      rows: [bytes])
    try writer.complete { (ByteString("\($0).jpg"), labels[$0]) }
    return try Store(path)
  }

  /// More than two blocks of test rows, and more ranks than trainings: every rank counts its own part,
  /// and the parts are added.
  @Test(arguments: [2, 3, 5]) func countsOfAllRanksAreAdded(ranks: Int) throws {
    try withTemporaryFolder { folder in
      let stores = ["images": try EvaluationFixture.store("\(folder)/s", rowsPerClass: 70)]
      let evaluation = try EvaluatorTests.protocolOf(
        """
        name: one
        kind: few-shot
        layers: [fc6]
        losses: [softmax]
        normalize: none
        C: [1]
        training-rows: [4]
        splits: 1
        seed: 9
        """)
      let alone = try EvaluatorTests.run(evaluation, stores)
      let together = try EvaluatorTests.run(evaluation, stores, ranks: ranks)
      let testRows = alone.plan.trial(alone.plan.columns[0], split: 0).test.count
      #expect(testRows > 128)
      for result in [alone, together] {
        let counts = result.cells[0].outcomes[0].counts(classCount: 3)
        #expect(counts.total.reduce(0, +) == testRows)
        #expect(result.confusion.counts.reduce(0, +) == testRows)
        #expect(counts.correct != counts.total, "an evaluation without mistakes shows nothing")
      }
      #expect(together.json == alone.json && together.confusionTable == alone.confusionTable)
    }
  }

  /// Rows of infinite features are counted by every rank, too.
  @Test func rowsThatAreNotFiniteAreAdded() throws {
    try withTemporaryFolder { folder in
      func rows(_ count: Int, infinite: Int) -> [(label: String, features: [Float])] {
        (0..<count).map { row in
          let k = row % 2
          return (
            ["a", "b"][k],
            row % infinite == infinite - 1 ? [.infinity, 0] : k == 0 ? [5, 0] : [0, 5]
          )
        }
      }
      let stores = [
        "train": try Self.store("\(folder)/train", rows(20, infinite: 1000)),
        "test": try Self.store("\(folder)/test", rows(300, infinite: 50)),
      ]
      for ranks in [1, 3] {
        let result = try EvaluatorTests.run(
          try EvaluatorTests.protocolOf(Self.fixed), stores.mapValues { $0 }, ranks: ranks)
        let outcome = result.cells[0].outcomes[0]
        #expect(outcome.notFinite == 6 && result.confusion.counts == [150, 0, 0, 144])
      }
    }
  }

  static let fixed = """
    name: hand
    kind: fixed
    layers: [fc6]
    losses: [softmax]
    normalize: none
    C: [1]
    seed: 1
    """

  /// Lines are true classes, columns predicted ones: rows that lie with another class, by hand.
  @Test(arguments: [1, 3]) func confusionIsTrueByPredicted(ranks: Int) throws {
    try withTemporaryFolder { folder in
      let places: [String: [Float]] = ["a": [9, 0, 0], "b": [0, 9, 0], "c": [0, 0, 9]]
      let training = (0..<18).map { ["c", "a", "b"][$0 % 3] }.map { ($0, places[$0]!) }
      let test = [
        ("a", "a"), ("a", "b"), ("c", "a"), ("b", "b"), ("a", "b"), ("a", "b"), ("a", "a"),
        ("c", "c"), ("c", "a"), ("b", "b"), ("b", "b"), ("b", "b"),
      ].map { ($0, places[$1]!) }
      let result = try EvaluatorTests.run(
        try EvaluatorTests.protocolOf(Self.fixed),
        [
          "train": try Self.store("\(folder)/train", training),
          "test": try Self.store("\(folder)/test", test),
        ], ranks: ranks)
      #expect(
        result.cells[0].outcomes[0].confusion == [0, 0, 2, 0, 1, 3, 1, 1, 4, 2, 0, 2, 2, 2, 1])
      #expect(
        String(decoding: result.confusionTable, as: UTF8.self)
          == "true\\predicted\ta\tb\tc\na\t2\t3\t0\nb\t0\t4\t0\nc\t2\t0\t1\n")
      #expect(result.confusion.svg.contains("a taken for b: 3 of 5"))
      #expect(result.confusion.svg.contains("c taken for a: 2 of 3"))
      // The mean over true classes of what was right: 2 of 5, 4 of 4, 1 of 3.
      #expect(abs(result.cells[0].mean - 100 * (2.0 / 5 + 1 + 1.0 / 3) / 3) < 1e-9)
    }
  }
}
