import Communication
import Tensors
import Testing

@testable import Classification

/// The squared hinge by its dual.
@Suite struct DualDescentTests {
  private func train(
    _ rows: some RowSource, _ options: TrainingOptions, ranks: Int = 1, threads: Int = 1,
    from start: Classifier? = nil
  ) throws -> [TrainingResult] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      try Trainer(
        options, communicator: communicator, team: ThreadTeam(threadCount: threads)
      ).train(rows, from: start)
    }
  }

  private func context(_ communicator: any Communicator) throws -> TrainingContext {
    try TrainingContext(communicator: communicator, team: ThreadTeam(threadCount: 2))
  }

  /// Enough rows for two levels, few of which are within the margin; some do not take part.
  private static func rows(
    seed: UInt64, rowCount: Int = 2300, width: Int = 37
  ) -> ArrayRows {
    var rows = ArrayRows.random(
      rowCount: rowCount, width: width, classCount: 5, seed: seed, separation: 2)
    rows.failedRows = [7, 600]
    for row in rows.failedRows {
      for j in 0..<width { rows.values[row * width + j] = .nan }
    }
    rows.labels[8] = nil
    return rows
  }

  static let problems: [TrainingOptions] = [0.05, 3].flatMap { C in
    [false, true].map {
      TrainingOptions(loss: .squaredHinge, C: C, regularizesBias: $0, method: .dual)
    }
  }

  /// By itself, not by what takes over where it gives up.
  private func solve(_ rows: ArrayRows, _ options: TrainingOptions) throws -> Solution? {
    let context = try context(InProcessCommunicator.alone())
    let prepared = try PreparedRows(rows, options: options, context)
    return try DualDescent(
      DualRows(prepared.rows, options, context), options, phase: .dual,
      takesLongLists: prepared.fitsRowSpace
    ).solve()
  }

  @Test(arguments: problems)
  func certificateHoldsByTheDefinition(_ options: TrainingOptions) throws {
    for normalization in RowNormalization.allCases {
      for tolerance in [1e-3, 1e-6, 1e-10] {
        var options = options
        (options.normalization, options.tolerance) = (normalization, tolerance)
        // Rows of length 1 are a few hundredths of the others.
        if normalization == .l2 { options.C *= 300 }
        let rows = Self.rows(seed: 1)
        let solution = try #require(try solve(rows, options))
        let slow = try SlowObjective(rows, options)
        let value = slow.value(weights: solution.weights, bias: solution.bias)
        #expect(solution.isConverged && solution.certificate.largestRatio <= tolerance)
        #expect(abs(value - solution.certificate.objective) <= 1e-11 * value)
        var other = options
        (other.method, other.tolerance) = (.featureSpace, 1e-9)
        let descent = try train(rows, other)[0].certificate
        // Either's lower bound is below the other's objective.
        #expect(value - solution.certificate.gap <= descent.objective)
        #expect(descent.objective - descent.gap <= value)
      }
    }
  }

  @Test(arguments: problems)
  func bytesDoNotDependOnRanksAndThreads(_ options: TrainingOptions) throws {
    let rows = Self.rows(seed: 2)
    let reference = try train(rows, options)[0]
    #expect(reference.isConverged)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (7, 1)] {
      for result in try train(rows, options, ranks: ranks, threads: threads) {
        #expect(result.weights == reference.weights && result.bias == reference.bias)
        #expect(result.certificate == reference.certificate)
      }
    }
  }

  /// Fewer rows than features: by products of the rows, which are made once and rounded.
  @Test(arguments: problems)
  func productsOfRowsLeadToTheSameOptimum(_ options: TrainingOptions) throws {
    let rows = Self.rows(seed: 6, rowCount: 610, width: 2500)
    let context = try context(InProcessCommunicator.alone())
    for normalization in RowNormalization.allCases {
      for tolerance in [1e-6, 1e-11] {
        var options = options
        (options.normalization, options.tolerance) = (normalization, tolerance)
        if normalization == .l2 { options.C *= 300 }
        let prepared = try PreparedRows(rows, options: options, context)
        #expect(try DualRows(prepared.rows, options, context).products != nil)
        let solution = try #require(try solve(rows, options))
        #expect(solution.isConverged)
        var other = options
        (other.method, other.tolerance) = (.rowSpace, 1e-9)
        let certificate = try train(rows, other)[0].certificate
        #expect(
          abs(certificate.objective - solution.certificate.objective)
            <= certificate.gap + solution.certificate.gap)
        if tolerance < 1e-6 { continue }
        let reference = try train(rows, options)[0]
        for (ranks, threads) in [(2, 1), (3, 2), (7, 1)] {
          for result in try train(rows, options, ranks: ranks, threads: threads) {
            #expect(result.weights == reference.weights && result.bias == reference.bias)
          }
        }
      }
    }
  }

  /// Each row's products with all are what the definition says, whichever rank and thread made them.
  @Test func productsAreThoseOfTheDefinition() throws {
    let rows = Self.rows(seed: 7, rowCount: 613, width: 640)
    for ranks in [1, 3] {
      _ = try InProcessCommunicator.run(size: ranks) { communicator in
        let context = try self.context(communicator)
        let prepared = try PreparedRows(rows, options: TrainingOptions(), context)
        let products = try RowProducts(prepared.rows, context)
        #expect(products.count == 610 && products.position(of: 8) == -1)
        for row in [0, 9, 300, 612] {
          var found = [Double](repeating: 0, count: products.count)
          products.add(products.position(of: row), times: 1, to: &found)
          for other in [0, 1, 127, 128, 300, 599, 611, 612] {
            var (sum, magnitude) = (0.0, 0.0)
            for j in 0..<rows.width {
              let product =
                Double(rows.values[row * rows.width + j])
                * Double(rows.values[other * rows.width + j])
              sum += product
              magnitude += abs(product)
            }
            #expect(abs(found[products.position(of: other)] - sum) <= 2e-5 * magnitude)
          }
        }
      }
    }
  }

  @Test(arguments: problems)
  func weightedAndStandardizedRowsAreTrainedOn(_ options: TrainingOptions) throws {
    var rows = Self.rows(seed: 3)
    rows.failedRows = []
    for j in 0..<rows.width {
      rows.values[7 * rows.width + j] = 0
      rows.values[600 * rows.width + j] = 1
    }
    var options = options
    options.classWeights = .balanced
    let weighted = try WeightedRows(
      rows, weights: (0..<rows.rowCount).map { Double($0 % 4) / 2 })
    for standardizes in [false, true] {
      options.standardizes = standardizes
      let result = try train(weighted, options, ranks: 2)[1]
      #expect(result.isConverged && result.certificate.largestRatio <= 1e-6)
      var other = options
      other.method = .featureSpace
      let descent = try train(weighted, other)[0].certificate
      #expect(
        abs(result.certificate.objective - descent.objective)
          <= result.certificate.gap + descent.gap)
    }
  }

  @Test(arguments: problems)
  func noisedRowsAreTrainedOn(_ options: TrainingOptions) throws {
    var options = options
    options.dropout = Dropout(probability: 0.3, copies: 3, seed: 9)
    let rows = Self.rows(seed: 4, rowCount: 700)
    let results = try train(rows, options, ranks: 2)
    #expect(results.allSatisfy(\.isConverged) && results[0].weights == results[1].weights)
  }

  /// A large common offset costs the products of single precision all their digits; the certificate
  /// must not notice, and asks for weights in double precision.
  @Test func offsetsLeaveNoTraceInTheProof() throws {
    var rows = ArrayRows.random(
      rowCount: 400, width: 12, classCount: 3, seed: 5, separation: 0.5)
    for i in rows.values.indices { rows.values[i] = (rows.values[i] * 1024).rounded() / 1024 }
    let options = TrainingOptions(loss: .squaredHinge, C: 10, tolerance: 1e-8)
    let plain = try train(rows, options)[0]
    for i in rows.values.indices { rows.values[i] += 4096 }
    let shifted = try train(rows, options)[0]
    #expect(plain.isConverged && shifted.isConverged)
    // With a free bias it is the same problem.
    #expect(
      abs(plain.certificate.objective - shifted.certificate.objective)
        <= plain.certificate.gap + shifted.certificate.gap)
    #expect(shifted.bias.contains { Double(Float($0)) != $0 })
    let slow = try SlowObjective(rows, options)
    let value = slow.value(weights: shifted.weights, bias: shifted.bias)
    #expect(abs(value - shifted.certificate.objective) <= 1e-9 * value)
  }

  /// The second of two classes is the first's mirror image.
  @Test(arguments: problems)
  func twoClassesAreOneProblem(_ options: TrainingOptions) throws {
    var rows = Self.rows(seed: 12)
    rows.labels = rows.labels.map { $0.map { min($0, 1) } }
    rows.classNames = ["a", "b"]
    let results = try train(rows, options, ranks: 2)
    let (result, width) = (results[0], rows.width)
    #expect(result.isConverged && results[1].weights == result.weights)
    #expect((0..<width).allSatisfy { result.weights[$0] == -result.weights[width + $0] })
    let value = try SlowObjective(rows, options)
      .value(weights: result.weights, bias: result.bias)
    #expect(abs(value - result.certificate.objective) <= 1e-11 * value)
    var other = options
    other.method = .featureSpace
    let descent = try train(rows, other)[0].certificate
    #expect(
      abs(value - descent.objective) <= result.certificate.gap + descent.gap)
  }

  /// Where nearly all rows are within the margin.
  @Test func smallCIsLeftToOthers() throws {
    let options = TrainingOptions(loss: .squaredHinge, C: 1e-7, method: .dual)
    #expect(try solve(Self.rows(seed: 6), options) == nil)
    #expect(try train(Self.rows(seed: 6), options)[0].isConverged)
  }

  @Test func roundsEndAtTheLimitAndSaySo() throws {
    var options = Self.problems[0]
    options.maximumIterations = 2
    let rows = Self.rows(seed: 7)
    let solution = try #require(try solve(rows, options))
    #expect(!solution.isConverged && solution.iterations == 2)
    let value = try SlowObjective(rows, options)
      .value(weights: solution.weights, bias: solution.bias)
    #expect(abs(value - solution.certificate.objective) <= 1e-11 * value)
  }

  /// Every pause is a place to go on from, with other ranks.
  @Test(arguments: problems)
  func statesAreKeptWhole(_ options: TrainingOptions) throws {
    let rows = Self.rows(seed: 8)
    let expected = try #require(try solve(rows, options))
    for ranks in [1, 3] {
      let outcomes = try InProcessCommunicator.run(size: ranks) { communicator -> Bool in
        let context = try self.context(communicator)
        let prepared = try PreparedRows(rows, options: options, context)
        let shared = try DualRows(prepared.rows, options, context)
        var single = options
        single.maximumIterations = 1_000
        let descent = DualDescent(shared, single, phase: .dual)
        var state = try descent.begin(.zero)
        var isSame = true
        while !state.open.isEmpty && state.rounds < 50 {
          // As a checkpoint would: nothing but the record survives.
          state = try DualState(
            state.record, classCount: 5, rowCount: rows.rowCount,
            levelCount: shared.screen.levels.count)
          shared.working.removeAll()
          var weights = try descent.makeWeights(state)
          #expect(try descent.advance(&state, &weights))
        }
        let weights = try descent.makeWeights(state)
        let solution = try descent.solution(state, weights)
        isSame = solution.weights == expected.weights && solution.bias == expected.bias
        return isSame && solution.certificate == expected.certificate
      }
      #expect(outcomes.allSatisfy { $0 })
    }
  }

  @Test(arguments: problems)
  func warmStartsEndAlike(_ options: TrainingOptions) throws {
    let rows = Self.rows(seed: 9)
    let cold = try train(rows, options)[0]
    var other = options
    other.C *= 2
    let near = try train(rows, other)[0]
    let context = try context(InProcessCommunicator.alone())
    let prepared = try PreparedRows(rows, options: options, context)
    let descent = DualDescent(
      try DualRows(prepared.rows, options, context), options, phase: .dual, takesLongLists: true)
    let warm = try #require(
      try descent.solve(from: LBFGSSolver.Point(weights: near.weights, bias: near.bias)))
    #expect(warm.isConverged)
    #expect(
      abs(warm.certificate.objective - cold.certificate.objective)
        <= warm.certificate.gap + cold.certificate.gap)
  }

  /// Rows that the screen leaves out are outside the margin, whatever single precision makes of them.
  @Test(arguments: [0, 50_000] as [Float])
  func screenLeavesNoRowOut(_ offset: Float) throws {
    var rows = Self.rows(seed: 10, rowCount: 620)
    for i in rows.values.indices { rows.values[i] += offset }
    let options = Self.problems[0]
    let context = try context(InProcessCommunicator.alone())
    let prepared = try PreparedRows(rows, options: options, context)
    let shared = try DualRows(prepared.rows, options, context)
    var generator = SeededGenerator(seed: 3)
    let exact = (0..<rows.width).map { _ in 0.2 * Double(generator.normal()) }
    let weights = exact.map(Float.init)
    let norm = exact.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let bias = -exact.reduce(0, +) * Double(offset)
    let found = try shared.screen.candidates(
      level: 0,
      [
        .init(
          k: 2, weights: weights, bias: bias, norm: norm * 1.001, roundingNorm: norm * 0x1p-24,
          biasReach: 0)
      ])[0]
    var within: Set<Int> = []
    for row in 0..<rows.rowCount where !rows.failedRows.contains(row) && rows.labels[row] != nil {
      let logit = (0..<rows.width).reduce(bias) {
        $0 + exact[$1] * Double(rows.values[row * rows.width + $1])
      }
      if (rows.labels[row] == 2 ? logit : -logit) < 1 { within.insert(row) }
    }
    #expect(within.isSubset(of: found) && !within.isEmpty)
    #expect(found == found.sorted())
    if offset == 0 { #expect(found.count < within.count + 3) }
  }

  /// Without chance, coordinate descent takes ten times the sweeps.
  @Test func ordersAreDrawnWithEqualChances() {
    var generator = SeededGenerator(seed: 4)
    var counts = [[Int]](repeating: [0, 0, 0, 0], count: 4)
    for _ in 0..<4000 {
      var order = [0, 1, 2, 3]
      HingeSweeps.shuffle(&order, &generator)
      #expect(Set(order).count == 4)
      for (place, i) in order.enumerated() { counts[place][i] += 1 }
    }
    // 1000 each, with a deviation of 27.
    #expect(counts.allSatisfy { $0.allSatisfy { 880...1120 ~= $0 } })
  }

  @Test func stateOfAnotherProblemIsRefused() throws {
    var state = DualState(classes: [DualClass(bias: 1), DualClass(bias: 2)])
    state.classes[0].rows = [1, 5]
    state.classes[0].alphas = [0.5, 0.25]
    let again = try DualState(state.record, classCount: 2, rowCount: 6, levelCount: 1)
    #expect(again == state)
    for (classCount, rowCount) in [(3, 6), (2, 5)] {
      #expect(throws: CheckpointRecord.MissingEntry.self) {
        _ = try DualState(
          state.record, classCount: classCount, rowCount: rowCount, levelCount: 1)
      }
    }
  }

  @Test func meansAreThoseOfTheRows() throws {
    let rows = Self.rows(seed: 11, rowCount: 700)
    let options = Self.problems[0]
    let context = try context(InProcessCommunicator.alone())
    let prepared = try PreparedRows(rows, options: options, context)
    let moments = try RowMoments(prepared.rows, options, context)
    let kept = (0..<700).filter { rows.labels[$0] != nil && !rows.failedRows.contains($0) }
    for j in 0..<rows.width {
      let sum = kept.reduce(0.0) { $0 + Double(rows.values[$1 * rows.width + j]) }
      #expect(abs(moments.mean[j] - sum / Double(kept.count)) < 1e-12 * (1 + abs(sum)))
    }
  }
}
