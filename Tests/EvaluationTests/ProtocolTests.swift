import Classification
import Testing

@testable import Evaluation

@Suite struct ProtocolTests {
  @Test func everyPresetIsValid() throws {
    #expect(
      EvaluationProtocol.presetNames == [
        "caltech101", "cub", "few-shot", "office", "one-shot", "sun397",
      ])
    for name in EvaluationProtocol.presetNames {
      let (found, stores) = try EvaluationProtocol.named(name)
      #expect(found.name == name && stores.isEmpty && !found.paper.isEmpty)
    }
  }

  @Test func presetsAreThePapers() throws {
    let caltech = try EvaluationProtocol.named("caltech101").protocol
    #expect(
      caltech.design == .fewShot(.init(trainingRows: [30], reservedRows: 30, testRows: nil)))
    #expect(caltech.dropout == [0, 0.5] && caltech.paperClassCount == 102)
    let dropped = caltech.paper.filter { $0.dropout == 0.5 }
    #expect(dropped.map(\.accuracy) == [86.08, 85.68, 86.91, 85.51])
    #expect(caltech.paper.count == 10)
    #expect(caltech.paper.allSatisfy { $0.column == "30" && $0.deviation != nil })
    #expect(caltech.baselines.map(\.accuracy) == [84.3, 65.5])
    // DeCAF5 has no dropout.
    #expect(caltech.methods(layer: "pool5").map(\.dropout) == [0, 0])
    #expect(caltech.methods(layer: "fc6").map(\.dropout) == [0, 0.5, 0, 0.5])
    let curve = try EvaluationProtocol.named("few-shot").protocol
    #expect(
      curve.design
        == .fewShot(
          .init(trainingRows: [1, 3, 5, 10, 15, 20, 25, 30], reservedRows: 30, testRows: nil)))
    #expect(curve.path.count == 1 && curve.validation == nil && curve.paper.count == 16)
    #expect(curve.methods(layer: "fc6").map(\.dropout) == [0.5, 0.5])
    #expect(curve.methods(layer: "pool5").map(\.dropout) == [0, 0])
    let oneShot = try EvaluationProtocol.named("one-shot").protocol
    #expect(oneShot.paper.map(\.accuracy) == [33] && oneShot.paper[0].method == "SVM dropout")
    #expect(oneShot.paper[0].dropout == 0.5 && oneShot.paper[0].loss == .squaredHinge)
    #expect(caltech.splitCount == 5 && caltech.validation?.heldOut(of: 30) == 5)
    let sun = try EvaluationProtocol.named("sun397").protocol
    #expect(sun.design == .fewShot(.init(trainingRows: [50], reservedRows: 50, testRows: 50)))
    #expect(sun.validation?.heldOut(of: 50) == 8)
    let office = try EvaluationProtocol.named("office").protocol
    #expect(office.roles == ["amazon", "webcam", "dslr"])
    guard case .adaptation(let adaptation) = office.design else { fatalError("office adapts") }
    #expect(adaptation.sourceRows == ["amazon": 20, "webcam": 8, "dslr": 8])
    #expect(adaptation.targetRows == 3 && adaptation.methods == AdaptationMethod.allCases)
    #expect(office.paper.first { $0.column == "Daumé" }?.accuracy == 82.14)
    #expect(office.paper.count == 28 && office.baselines.count == 24)
    let columns = Set(AdaptationMethod.allCases.map(\.rawValue))
    for (group, column) in office.paper.map({ ($0.group, $0.column) })
      + office.baselines.map({ ($0.group, $0.column) })
    {
      #expect(columns.contains(column) && adaptation.pairs.contains { $0.description == group })
    }
    #expect(sun.paper.count == 4 && sun.paper.allSatisfy { $0.dropout == 0.5 })
    #expect(try EvaluationProtocol.named("cub").protocol.baselines.count == 3)
  }

  @Test(arguments: zip([1, 2, 3, 5, 10, 15, 20, 25, 30], [0, 1, 1, 1, 2, 3, 3, 4, 5]))
  func rowsAreHeldOutInProportion(count: Int, heldOut: Int) {
    let validation = EvaluationProtocol.Validation(rows: 5, of: 30, fallback: 1)
    #expect(validation.heldOut(of: count) == heldOut)
  }

  @Test func allProblemsAreReportedAtOnce() throws {
    let yaml = """
      name: bad
      kind: few-shot
      colour: red
      layers: []
      losses: [softmax, hinge]
      dropout: [0.5, 1]
      dropout-copies: 0
      normalize: l3
      C: [1, -1]
      validation: {rows: 5, of: 5, fallback: 1}
      training-rows: [0, 10]
      reserved-rows: 5
      splits: 0
      paper:
        - {layer: fc6, loss: softmax, accuracy: high, column: 3}
      """
    let error = #expect(throws: EvaluationError.self) {
      try EvaluationProtocol.parse(yaml, source: "bad.yaml")
    }
    let text = try #require(error?.description)
    for part in [
      "bad.yaml", "colour: unknown key", "layers:", "losses:", "dropout:",
      "dropout-copies:", "normalize:", "C:",
      "validation.rows:",
      "validation.fallback: unknown key", "validation.fallback-C: missing", "training-rows:",
      "reserved-rows:", "splits:", "seed: missing", "paper[0].accuracy:",
    ] { #expect(text.contains(part), "\(part) in \(text)") }
  }

  @Test func problemsOfDomainsAreReported() throws {
    let yaml = EvaluationFixture.adaptation
      .replacing("x→z", with: "x").replacing("y: 5", with: "z: 0")
      .replacing("Daumé", with: "K").replacing("target-rows: 2", with: "target-rows: 0")
    let error = #expect(throws: EvaluationError.self) {
      try EvaluationProtocol.parse(yaml, source: "")
    }
    let text = try #require(error?.description)
    for part in [
      "“x”, expected source→target", "“y”, the source", "z: found 0", "methods", "target-rows",
    ] { #expect(text.contains(part), "\(part) in \(text)") }
  }

  @Test func unknownNamesAreRefused() {
    #expect(
      throws: EvaluationError.unknownProtocol("x", presets: EvaluationProtocol.presetNames)
    ) { try EvaluationProtocol.named("x") }
    #expect(throws: EvaluationError.self) { try EvaluationProtocol.named("none/x.yaml") }
  }

  private func problems(_ change: (String) -> String) throws -> [String] {
    let yaml = """
      name: t
      kind: few-shot
      layers: [fc6]
      losses: [softmax]
      normalize: l2
      C: [1]
      training-rows: [2]
      reserved-rows: 5
      test-rows: 2
      splits: 2
      seed: 3
      paper:
        - {layer: fc6, loss: softmax, column: 2, accuracy: 50}
      """
    do {
      _ = try EvaluationProtocol.parse(change(yaml), source: "t")
      return []
    } catch {
      guard case .invalidProtocol(_, let problems) = error else { return ["\(error)"] }
      return problems
    }
  }

  @Test(arguments: [
    ("splits: 2", "splits: 1:30:00"), ("splits: 2", "splits: 010"), ("splits: 2", "splits: 0x2"),
    ("splits: 2", "splits: 1_0"), ("reserved-rows: 5", "reserved-rows: 9223372036854775807"),
    ("test-rows: 2", "test-rows: 9223372036854775807"), ("C: [1]", "C: [.inf]"),
    ("C: [1]", "C: [1:30]"), ("accuracy: 50", "accuracy: .nan"),
    ("accuracy: 50", "accuracy: 1e300"),
    ("seed: 3", "seed: 1e19"), ("seed: 3", "seed: 18446744073709551616"),
  ])
  func numbersAreDecimalAndBounded(sound: String, bad: String) throws {
    #expect(try problems { $0 }.isEmpty)
    #expect(try problems { $0.replacing(sound, with: bad) }.count == 1, "\(bad)")
  }

  @Test func aliasesOfAliasesAreRefused() throws {
    #expect(try problems { "\u{feff}" + $0 }.isEmpty)
    var bomb = "a0: &a0 [x, x]\n"
    for i in 1...40 { bomb += "a\(i): &a\(i) [*a\(i - 1), *a\(i - 1)]\n" }
    #expect(try problems { bomb + "? *a40\n: 1\n" + $0 }[0].contains("aliases"))
  }
}
