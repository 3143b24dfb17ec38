import Classification
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

@Suite struct EvaluatorTests {
  static func protocolOf(_ yaml: String) throws -> EvaluationProtocol {
    try EvaluationProtocol.parse(yaml, source: "test").protocol
  }

  static func run(
    _ evaluation: EvaluationProtocol, _ stores: [String: Store], ranks: Int = 1, threads: Int = 1
  ) throws -> EvaluationResult {
    let results = try InProcessCommunicator.run(size: ranks) { communicator in
      try Evaluator(evaluation, stores: stores).run(
        communicator: communicator, team: ThreadTeam(threadCount: threads))
    }
    #expect(results.dropFirst().allSatisfy { $0 == nil })
    return results[0]!
  }

  @Test func splitsTakeEachRowOnceAndNestTheirTrainingRows() throws {
    try withTemporaryFolder { folder in
      let store = try EvaluationFixture.store("\(folder)/s")
      let plan = try SplitPlan(
        try Self.protocolOf(EvaluationFixture.fewShot), stores: ["images": store])
      #expect(plan.columns.map(\.name) == ["1", "4"])
      var orders: Set<[Int]> = []
      for split in 0..<3 {
        let small = plan.trial(plan.columns[0], split: split)
        let large = plan.trial(plan.columns[1], split: split)
        #expect(small.training.count == 3 && large.training.count == 12)
        #expect(small.test.map(\.row) == large.test.map(\.row))
        #expect(Set(small.training.map(\.row)).isSubset(of: large.training.map(\.row)))
        let all = large.training.map(\.row) + large.test.map(\.row)
        // All usable rows: row 4 failed, row 7 has no label.
        #expect(all.sorted() == (0..<38).filter { $0 != 4 && $0 != 7 })
        // A quarter of each class is held out, and nothing of a single row.
        #expect(
          large.isHeldOut == [false, false, false, true, false, false, false, true] + [
            false, false, false, true,
          ])
        #expect(!small.isHeldOut.contains(true))
        for entry in large.training + large.test {
          #expect(plan.classes[entry.label] == store.rows[entry.row].label)
        }
        orders.insert(all)
      }
      #expect(orders.count == 3)
    }
  }

  @Test func splitsDependOnTheSeedAlone() throws {
    try withTemporaryFolder { folder in
      let store = try EvaluationFixture.store("\(folder)/s")
      var evaluation = try Self.protocolOf(EvaluationFixture.fewShot)
      let first = try SplitPlan(evaluation, stores: ["images": store]).table
      #expect(try SplitPlan(evaluation, stores: ["images": store]).table == first)
      evaluation.seed = 10
      #expect(try SplitPlan(evaluation, stores: ["images": store]).table != first)
      let lines = String(decoding: first, as: UTF8.self).split(separator: "\n")
      #expect(lines.count == 1 + 3 * 36)
      #expect(lines[1].hasPrefix("0\timages\ta\\tc\t0\t"))
    }
  }

  @Test func dropoutIsALineOfItsOwn() throws {
    try withTemporaryFolder { folder in
      let store = try EvaluationFixture.store("\(folder)/s")
      let plain = try Self.run(
        try Self.protocolOf(EvaluationFixture.fewShot), ["images": store])
      var evaluation = try Self.protocolOf(
        EvaluationFixture.fewShot.replacing(
          "normalize: l2", with: "dropout: [0, 0.5]\ndropout-copies: 3\nnormalize: l2")
          + "\n  - {layer: fc6, loss: softmax, dropout: 0.5, column: 4, accuracy: 60}\n")
      let result = try Self.run(evaluation, ["images": store])
      #expect(
        result.methods.map(\.description) == [
          "fc6 softmax", "fc6 softmax, dropout 0.5", "fc6 squared-hinge",
          "fc6 squared-hinge, dropout 0.5",
        ])
      for method in plain.methods {
        for column in plain.plan.columns {
          #expect(
            result.cell(method, column).accuracies == plain.cell(method, column).accuracies)
        }
      }
      let dropped = result.cell(result.methods[1], result.plan.columns[1])
      #expect(dropped.paper?.accuracy == 60 && dropped.outcomes.count == 3)
      #expect(result.text.contains("fc6 softmax, dropout 0.5") && result.text.contains("(60.00)"))
      #expect(String(decoding: result.table, as: UTF8.self).contains("softmax\t0.5\t\t4\t"))
      for ranks in [2, 5] {
        let other = try Self.run(evaluation, ["images": store], ranks: ranks, threads: 2)
        #expect(other.json == result.json)
      }
      evaluation.dropout = [0.5]
      #expect(
        try Self.run(evaluation, ["images": store]).methods == [
          result.methods[1], result.methods[3],
        ])
    }
  }

  @Test func accuracyIsTheMeanOverClasses() {
    let outcome = Outcome(
      task: 0, C: 1, validation: nil, relativeGap: 0, isConverged: true,
      confusion: [0, 0, 1, 0, 1, 1, 1, 1, 9, 1, 0, 1])
    #expect(outcome.meanPerClass(classCount: 3) == 70)
    #expect(abs(outcome.overall(classCount: 3) - 100 * 10 / 12) < 1e-12)
  }

  /// Whatever the ranks and threads, and whether they train together or apart.
  @Test(arguments: [(2, 1), (3, 2), (5, 1), (1, 3), (40, 1)])
  func bytesDoNotDependOnRanksOrThreads(ranks: Int, threads: Int) throws {
    try withTemporaryFolder { folder in
      let stores = ["images": try EvaluationFixture.store("\(folder)/s")]
      let evaluation = try Self.protocolOf(EvaluationFixture.fewShot)
      // 12 trainings: 40 ranks are too many to train apart.
      let alone = try Self.run(evaluation, stores)
      let other = try Self.run(evaluation, stores, ranks: ranks, threads: threads)
      #expect(alone.json == other.json && alone.text == other.text)
      #expect(alone.curve?.svg == other.curve?.svg && alone.confusion.svg == other.confusion.svg)
    }
  }

  /// A stop that is asked for on one rank, early and late, with ranks that work alone or together.
  @Test(arguments: [(2, 1), (3, 2), (3, 0), (40, 7)])
  func oneRankStopsAllAndAnyNumberContinues(ranks: Int, rank: Int) throws {
    try withTemporaryFolder { folder in
      let stores = ["images": try EvaluationFixture.store("\(folder)/s")]
      let evaluation = try Self.protocolOf(EvaluationFixture.fewShot)
      let whole = try Self.run(evaluation, stores)
      func run(_ size: Int, stopping: Int?) throws -> EvaluationResult? {
        try FileSystem.makeFolder("\(folder)/r")
        return try InProcessCommunicator.run(size: size) { communicator in
          let isStopping = communicator.rank == stopping
          return try Evaluator(evaluation, stores: stores).run(
            communicator: communicator, team: ThreadTeam(threadCount: 1),
            keeping: EvaluationKeeping(
              folder: "\(folder)/r", stopReason: { isStopping ? "a test" : nil }))
        }[0]
      }
      let stopped = #expect(throws: EvaluationStopped.self) { try run(ranks, stopping: rank) }
      #expect((1..<12).contains(stopped?.done ?? 0) && stopped?.total == 12)
      let result = try #require(try run(ranks == 3 ? 1 : 3, stopping: nil))
      #expect(result.json == whole.json && result.text == whole.text)
    }
  }

  /// Trainings that are left at once stand in checkpoints, and get on from stop to stop.
  @Test(arguments: [1, 3, 40])
  func trainingsInHandAreTakenUpAgain(ranks: Int) throws {
    try withTemporaryFolder { folder in
      let stores = ["images": try EvaluationFixture.store("\(folder)/s")]
      let evaluation = try Self.protocolOf(
        EvaluationFixture.fewShot.replacing("splits: 3", with: "splits: 1"))
      let whole = try Self.run(evaluation, stores)
      try FileSystem.makeFolder("\(folder)/r")
      var (stops, checkpoints) = (0, 0)
      while true {
        do {
          let result = try InProcessCommunicator.run(size: ranks) { communicator in
            var keeping = EvaluationKeeping(folder: "\(folder)/r", stopReason: { "a test" })
            keeping.grace = .zero
            return try Evaluator(evaluation, stores: stores).run(
              communicator: communicator, team: ThreadTeam(threadCount: 1), keeping: keeping)
          }[0]
          #expect(result?.json == whole.json)
          break
        } catch is EvaluationStopped {
          stops += 1
          try #require(stops < 500)
          checkpoints += try FileSystem.names(in: "\(folder)/r")
            .count { $0.hasSuffix(".checkpoint") }
        }
      }
      #expect(stops > 3 && checkpoints > 0)
      #expect(try !FileSystem.names(in: "\(folder)/r").contains { $0.hasSuffix(".checkpoint") })
    }
  }

  /// Trainings that prove nothing, and rows without prediction, stand in table and JSON.
  @Test func doubtfulTrainingsAreTold() throws {
    try withTemporaryFolder { folder in
      let stores = ["images": try EvaluationFixture.store("\(folder)/s")]
      let sound = try Self.run(try Self.protocolOf(EvaluationFixture.fewShot), stores)
      #expect(sound.unprovedCount == 0 && !sound.text.contains("unproved"))
      var (tasks, outcomes): ([EvaluationTask], [Outcome]) = ([], [])
      for cell in sound.cells {
        for (split, outcome) in cell.outcomes.enumerated() {
          tasks.append(
            EvaluationTask(
              number: tasks.count, method: cell.method, column: cell.column, split: split))
          outcomes.append(outcome)
        }
      }
      for (index, gap) in [0.4, 0.6, .nan].enumerated() {
        outcomes[index] = Outcome(
          task: index, C: 1, validation: nil, relativeGap: gap, isConverged: false,
          confusion: outcomes[index].confusion)
      }
      outcomes[5].notFinite = 2
      let result = EvaluationResult(
        evaluation: sound.evaluation, layers: sound.layers, plan: sound.plan, tasks: tasks,
        outcomes: outcomes, job: "j")
      #expect(result.unconvergedCount == 3 && result.unprovedCount == 2)
      #expect(result.text.contains("Of 2 trainings") && result.text.contains("Left out: 2 tests"))
      #expect(result.json["unproved"] == .number(2) && result.json["unconverged"] == .number(3))
    }
  }

  /// What a progress file cannot be is refused, whatever its hash says.
  @Test func impossibleOutcomesAreRefused() {
    func isPossible(_ task: Int, _ confusion: [Int], notFinite: Int = 0) -> Bool {
      var outcome = Outcome(
        task: task, C: 1, validation: nil, relativeGap: .nan, isConverged: false,
        confusion: confusion)
      outcome.notFinite = notFinite
      return outcome.isPossible(taskCount: 2, classCount: 3)
    }
    #expect(isPossible(1, [2, 0, 5]) && isPossible(0, []))
    #expect(!isPossible(2, []) && !isPossible(-1, []) && !isPossible(0, [1, 2]))
    #expect(
      !isPossible(0, [3, 0, 1]) && !isPossible(0, [0, -1, 1]) && !isPossible(0, [0, 0, -1]))
    #expect(!isPossible(0, [0, 0, .max]) && !isPossible(0, [], notFinite: -1))
  }

  @Test func outcomesAreExactOnTheirWay() throws {
    let outcomes = [0.1, .infinity, .nan, .leastNonzeroMagnitude, -0.0].map {
      Outcome(
        task: 3, C: $0, validation: $0, relativeGap: $0, isConverged: false, confusion: [1, 2, 3])
    }
    let found = try Outcome.decoded(try Outcome.encoded(outcomes))
    #expect(found.map(\.C.bitPattern).dropLast(3) == outcomes.map(\.C.bitPattern).dropLast(3))
    #expect(
      found[2].C.isNaN && found[3].C == .leastNonzeroMagnitude && found[1].isUnproved
        && found[2].isUnproved)
    #expect(!found[0].isUnproved && found[0].confusion == [1, 2, 3])
  }

  @Test func resultsAreWrittenAndCompared() throws {
    try withTemporaryFolder { folder in
      let stores = ["images": try EvaluationFixture.store("\(folder)/s")]
      let result = try Self.run(try Self.protocolOf(EvaluationFixture.fewShot), stores)
      #expect(result.text.contains("n = 4"))
      #expect(result.text.contains("(50.50 ± 1.0)"))
      #expect(result.text.contains("for 4 classes, these are for 3"))
      #expect(result.text.contains("fc6 softmax [LogReg]"))
      // Beside our own, in its column; the column 7 there is not.
      let lines = result.text.split(separator: "\n")
      let other = try #require(lines.first { $0.hasPrefix("Others 2009") })
      #expect(other.hasSuffix("(84.30)") && !result.text.contains("11.10"))
      #expect(result.text.contains("DeCAF's own weights"))
      #expect(result.curve!.svg.contains("these are for 3"))
      #expect(result.cells.allSatisfy { $0.mean > 40 && $0.mean <= 100 })
      let files = try result.write(to: "\(folder)/r")
      #expect(Set(files).isSubset(of: Set(try FileSystem.names(in: "\(folder)/r"))))
      #expect(files.contains("curve.svg"))
      let single = result.cell(result.methods[0], result.plan.columns[0])
      #expect(single.outcomes.allSatisfy { $0.C == 2 && $0.validation == nil })
      let chosen = result.cell(result.methods[0], result.plan.columns[1])
      #expect(chosen.outcomes.allSatisfy { [0.1, 1, 10].contains($0.C) && $0.validation != nil })
      // The deviation has one degree of freedom less than splits.
      let a = chosen.accuracies
      let mean = (a[0] + a[1] + a[2]) / 3
      let variance = a.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 2
      #expect(abs(chosen.deviation! - variance.squareRoot()) < 1e-9)
    }
  }

  @Test func domainsAreCarriedOver() throws {
    try withTemporaryFolder { folder in
      let stores = [
        "x": try EvaluationFixture.store("\(folder)/x"),
        "y": try EvaluationFixture.store("\(folder)/y", shift: 0.4, seed: 8),
      ]
      let evaluation = try Self.protocolOf(EvaluationFixture.adaptation)
      let evaluator = try Evaluator(evaluation, stores: stores)
      // No store has fc7, and none is z.
      #expect(evaluator.layers == ["fc6"] && evaluator.taskCount == 2 * 4 * 2)
      let result = try Self.run(evaluation, stores)
      #expect(result.text == (try Self.run(evaluation, stores, ranks: 3)).text)
      #expect(result.text.contains("x→y") && result.text.contains("y→x"))
      let plan = result.plan
      let trials = plan.columns.prefix(4).map { plan.trial($0, split: 0) }
      #expect(trials.map { $0.training.count } == [18, 6, 24, 24])
      #expect(trials.map(\.isAugmented) == [false, false, false, true])
      #expect(Set(trials[1].training.map(\.row)).isDisjoint(with: trials[1].test.map(\.row)))
      #expect(Set(trials.map { $0.test.map(\.row) }).count == 1)
    }
  }

  @Test func augmentedRowsStandBesideTheirOwnCopy() throws {
    try withTemporaryFolder { folder in
      let stores = try ["x", "y"].map {
        try EvaluationFixture.store("\(folder)/\($0)", seed: UInt64($0.utf8.first!))
      }
      let layers = try stores.map { try $0.layer(named: "fc6") }
      let rows = SelectedRows(
        name: "", classNames: ["a", "b"],
        parts: layers.map { .init(name: "", layer: $0) },
        entries: [.init(part: 1, row: 3, label: 0), .init(part: 0, row: 2, label: 1)],
        isAugmented: true)
      #expect(rows.width == 15 && rows.use(of: 1) == .labelled(1) && rows.origin(of: 0).row == 3)
      var scratch: [Float] = []
      try rows.withRows(0..<2, scratch: &scratch) { features in
        let values = (0..<30).map { features[$0] }
        let (target, source) = (layers[1].floats(3..<4), layers[0].floats(2..<3))
        let zero = [Float](repeating: 0, count: 5)
        #expect(values == target + zero + target + source + source + zero)
      }
    }
  }

  @Test func unusableStoresAreDescribed() throws {
    try withTemporaryFolder { folder in
      let small = try EvaluationFixture.store("\(folder)/a", rowsPerClass: 4)
      let other = try EvaluationFixture.store("\(folder)/b", classes: ["b", "q"])
      let foreign = try EvaluationFixture.store("\(folder)/c", origin: "other")
      let good = try EvaluationFixture.store("\(folder)/d")
      func problem(_ yaml: String, _ stores: [String: Store]) throws -> String {
        let evaluation = try Self.protocolOf(yaml)
        return #expect(throws: EvaluationError.self) {
          try Evaluator(evaluation, stores: stores)
        }?.description ?? ""
      }
      let fewShot = EvaluationFixture.fewShot
      #expect(try problem(fewShot, [:]).contains("--store images=PATH"))
      #expect(try problem(fewShot, ["images": good, "x": good]).contains("no store “x”"))
      #expect(try problem(fewShot, ["images": small]).contains("5 or more usable rows"))
      let layers = fewShot.replacing("[fc6]", with: "[fc7]")
      #expect(try problem(layers, ["images": good]).contains("d has fc6"))
      let adaptation = EvaluationFixture.adaptation
      #expect(try problem(adaptation, ["x": good]).contains("no pair of domains"))
      #expect(try problem(adaptation, ["x": good, "y": other]).contains("only in y"))
      #expect(try problem(adaptation, ["x": good, "y": foreign]).contains("model.sha256"))
    }
  }
}
