import Classification
import Communication
import FeatureStore
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct ClassifierTests {
  private static let options = TrainingOptions(loss: .squaredHinge, C: 0.7, normalization: .l2)

  private func train(_ store: Store, ranks: Int = 1) throws -> Classifier {
    try InProcessCommunicator.run(size: ranks) { communicator in
      let result = try Trainer(
        Self.options, communicator: communicator, team: ThreadTeam(threadCount: 1)
      ).train(try StoreRows(store, layer: "fc6"))
      return Classifier(
        result, options: Self.options,
        features: FeatureOrigin(store.provenance, layer: store.provenance.layers[0]))
    }[0]
  }

  @Test(arguments: [ElementType.float32, .float16])
  func storeGivesTheClassifierOfItsRows(_ dtype: ElementType) throws {
    try withTemporaryFolder { folder in
      var fixture = StoreFixture.random()
      fixture.dtype = dtype
      if dtype == .float16 {
        fixture.rows.values = fixture.rows.values.map { Float(Float16($0)) }
      }
      let classifier = try train(try fixture.write("\(folder)/store"))
      let expected = try Trainer(
        Self.options, communicator: InProcessCommunicator.alone(),
        team: ThreadTeam(threadCount: 1)
      ).train(fixture.rows)
      #expect(classifier.weights == expected.weights && classifier.bias == expected.bias)
      #expect(classifier.training.rows == 87 && classifier.training.failedRows == 2)
    }
  }

  @Test func fileHoldsEverythingAndDependsOnTheRowsAlone() throws {
    try withTemporaryFolder { folder in
      let store = try StoreFixture.random().write("\(folder)/store")
      let classifier = try train(store)
      try classifier.save("\(folder)/a.safetensors")
      try train(store, ranks: 3).save("\(folder)/b.safetensors")
      #expect(try Classifier.load("\(folder)/a.safetensors") == classifier)
      #expect(
        classifier.classes.map { Array($0.utf8) } == StoreFixture.classes.map { Array($0.utf8) })
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a.safetensors"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/b.safetensors")) == bytes)
    }
  }

  @Test func otherFilesAreNotClassifiers() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      let base = ["format": "decaf-classifier", "version": "1"]
      let cases: [(metadata: [String: String], reason: String)] = [
        ([:], "format"), (["format": "decaf-classifier", "version": "9"], "version 9"),
        (base, "lacks classes"),
        (base.merging(["classes": "[\"a\", 3"]) { $1 }, "classes cannot be understood"),
      ]
      for (metadata, reason) in cases {
        try SafetensorsWriter.write(path, metadata: metadata, tensors: [("bias", [1], [0])])
        #expect {
          try Classifier.load(path)
        } throws: {
          guard case ClassificationError.invalidClassifier(path, let found) = $0 else {
            return false
          }
          return found.contains(reason)
        }
      }
      #expect(throws: SafetensorsError.self) { try Classifier.load("\(folder)/absent") }
      #expect(throws: ClassificationError.self) {
        try Classifier.checkWritable("\(folder)/absent/x")
      }
    }
  }

  @Test func featuresMadeOtherwiseAreRefusedByName() throws {
    try withTemporaryFolder { folder in
      let fixture = StoreFixture.random()
      let classifier = try train(try fixture.write("\(folder)/store"))
      var other = fixture
      other.weights = "others"
      other.crop = 224
      let store = try other.write("\(folder)/other")
      let predictor = Predictor(
        classifier, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1))
      #expect {
        try predictor.predict(store, output: "\(folder)/p.tsv", includesScores: false)
      } throws: {
        guard case ClassificationError.incompatibleFeatures(_, let differences) = $0 else {
          return false
        }
        return differences.count == 2 && differences[0].hasPrefix("model.sha256:")
          && differences[1] == "transform.crop: expected 227, found 224"
      }
      // The form in which features are stored does not matter.
      other = fixture
      other.dtype = .float16
      let half = try other.write("\(folder)/half")
      #expect(
        try predictor.predict(half, output: "\(folder)/p.tsv", includesScores: false).failed == 2)
    }
  }

  @Test func predictionsFollowTheScoresWhateverTheRanks() throws {
    try withTemporaryFolder { folder in
      let fixture = StoreFixture.random(rowCount: 1200)
      let store = try fixture.write("\(folder)/store")
      let classifier = try train(store)
      var texts: [String] = []
      for (ranks, threads) in [(1, 1), (2, 2), (5, 1)] {
        let path = "\(folder)/\(ranks).tsv"
        let summaries = try InProcessCommunicator.run(size: ranks) { communicator in
          try Predictor(
            classifier, communicator: communicator, team: ThreadTeam(threadCount: threads)
          ).predict(store, output: path, includesScores: true)
        }
        #expect(summaries.allSatisfy { $0 == summaries[0] })
        #expect(summaries[0].predicted == 1198 && summaries[0].failed == 2)
        #expect(summaries[0].labelled == 1197 && summaries[0].unknownLabel == 0)
        texts.append(String(decoding: FileManager.default.contents(atPath: path)!, as: UTF8.self))
      }
      #expect(texts.allSatisfy { $0 == texts[0] })
      let lines = texts[0].split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines[0] == "row\tpath\tlabel\tpredicted\tscore\ta\\tb\t\u{e9}\te\u{301}")
      #expect(lines[5] == "4\timage 4.jpg\t\(Self.name(fixture.rows.labels[4]!))\t\t\t\t\t")
      #expect(lines.count == 1202 && lines[1201].isEmpty)
      let fields = lines[6].split(separator: "\t", omittingEmptySubsequences: false)
      let row: [Float] = Array(fixture.rows.values[5 * 6..<6 * 6])
      let scores = classifier.scores(row.span)
      #expect(fields[2].isEmpty)
      #expect(fields[3] == Self.name(scores.indexOfLargest()))
      #expect(fields[4] == "\(scores.max()!)")
      #expect(fields[5...].map { Float($0)! } == scores)
    }
  }

  /// Shares are cut by the smallest team, else the ranks would not agree on whose rows are whose.
  @Test func predictionsDoNotDependOnTeamsThatDifferByRank() throws {
    try withTemporaryFolder { folder in
      let store = try StoreFixture.random(rowCount: 9000).write("\(folder)/store")
      let classifier = try train(store)
      func predict(_ threads: [Int]) throws -> Data {
        let path = "\(folder)/p.tsv"
        _ = try InProcessCommunicator.run(size: threads.count) { communicator in
          try Predictor(
            classifier, communicator: communicator,
            team: ThreadTeam(threadCount: threads[communicator.rank])
          ).predict(store, output: path, includesScores: true)
        }
        return try Data(contentsOf: URL(fileURLWithPath: path))
      }
      let reference = try predict([1])
      for threads in [[1, 3], [4, 1, 2]] { #expect(try predict(threads) == reference) }
    }
  }

  @Test func rowsWithInfiniteFeaturesAreNotPredicted() throws {
    try withTemporaryFolder { folder in
      var fixture = StoreFixture.random()
      let classifier = try train(try fixture.write("\(folder)/store"))
      fixture.rows.values[7 * 6 + 2] = 1e6  // beyond float16
      fixture.dtype = .float16
      let store = try fixture.write("\(folder)/half")
      let summary = try Predictor(
        classifier, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
      ).predict(store, output: "\(folder)/p.tsv", includesScores: false)
      #expect(summary.notFinite == 1 && summary.failed == 2 && summary.predicted == 87)
      let text = try String(contentsOfFile: "\(folder)/p.tsv", encoding: .utf8)
      let line = text.split(separator: "\n")[8]
      #expect(line.hasPrefix("7\timage 7.jpg") && line.hasSuffix("\t\t"))
    }
  }

  private static func name(_ label: Int) -> String {
    ["a\\tb", "\u{e9}", "e\u{301}"][label]
  }

  @Test func scoresAreThoseOfTheDefinition() throws {
    try withTemporaryFolder { folder in
      let fixture = StoreFixture.random()
      let classifier = try train(try fixture.write("\(folder)/store"))
      let row: [Float] = Array(fixture.rows.values[0..<6])
      let length = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      for (k, score) in classifier.scores(row.span).enumerated() {
        let product = (0..<6).reduce(0.0) {
          $0 + classifier.weights[k * 6 + $1] * Double(row[$1])
        }
        // Rounded to single precision once.
        #expect(abs(Double(score) - (product / length + classifier.bias[k])) < 1e-6)
      }
    }
  }

  /// Features whose common offset makes the rounding of weights matter.
  @Test func weightsThatMustNotBeRoundedAreStoredInDoublePrecision() throws {
    try withTemporaryFolder { folder in
      var fixture = StoreFixture.random()
      for i in fixture.rows.values.indices { fixture.rows.values[i] += 4096 }
      let store = try fixture.write("\(folder)/store")
      let options = TrainingOptions(loss: .squaredHinge, C: 100, tolerance: 1e-9)
      let result = try Trainer(
        options, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1)
      ).train(fixture.rows)
      let classifier = Classifier(
        result, options: options,
        features: FeatureOrigin(store.provenance, layer: store.provenance.layers[0]))
      #expect(result.isConverged, "\(result.certificate)")
      #expect(classifier.weights.contains { Double(Float($0)) != $0 })
      #expect(classifier.bias.contains { Double(Float($0)) != $0 })
      let path = "\(folder)/a.safetensors"
      try classifier.save(path)
      #expect(try SafetensorsFile(path).tensor(named: "weight")?.dtype == "F64")
      #expect(try Classifier.load(path) == classifier)
      let row: [Float] = Array(fixture.rows.values[0..<6])
      for (k, score) in classifier.scores(row.span).enumerated() {
        let product = (0..<6).reduce(0.0) {
          $0 + classifier.weights[k * 6 + $1] * Double(row[$1])
        }
        #expect(
          abs(Double(score) - (product + classifier.bias[k])) < 1e-6 * (1 + abs(Double(score))))
      }
    }
  }

  @Test func everyFlippedBitIsNoticed() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      let classifier = try train(try StoreFixture.random().write("\(folder)/store"))
      try classifier.save(path)
      let bytes = try readTestFile(path)
      for index in bytes.indices {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(index % 8)
        _ = try writeTestFile(damaged, "a.safetensors", in: folder)
        #expect(throws: (any Error).self, "byte \(index)") { try Classifier.load(path) }
      }
      // What wrote no digest is read as before.
      _ = try writeTestFile(bytes, "a.safetensors", in: folder)
      let file = try SafetensorsFile(path)
      var metadata = file.metadata
      #expect(metadata.removeValue(forKey: "sha256")?.utf8.count == 64)
      try SafetensorsWriter.write(
        path, metadata: metadata,
        tensors: try file.tensors.map { ($0.name, $0.shape, try file.floats($0.name)) })
      #expect(try Classifier.load(path) == classifier)
    }
  }
}
