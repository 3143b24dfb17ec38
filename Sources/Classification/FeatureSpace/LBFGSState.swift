internal import Tensors

/// All that L-BFGS knows between two iterations: with the rows, it decides everything after.
struct LBFGSState {
  /// K×D, and K.
  var weights: [Double]
  var bias: [Double]
  /// Of the objective in the weights, and in the bias when that is regularized: K×stride.
  var gradient: [Double]
  /// For each class (softmax: all losses in the first).
  var loss: [Double]
  var residual: [Double]
  /// For each class: at least `Σ c·|r|`.
  var massBounds: [Double]
  /// For each group of classes that share their steps.
  var isStalled: [Bool]
  /// Of the products with the features.
  var precision = Precision.single
  var iterations = 0
  var passes = 0
  var memory: LimitedMemory
  var elimination: BiasElimination
  /// How the objective's logits came about.
  var trail: LogitTrail
  var goal = Goal()

  /// What is aimed at, and what was learned on the way.
  struct Goal {
    /// The norm of the gradient at W = 0.
    var referenceNorm = 0.0
    /// The estimated gap to reach, relative to what it is measured by.
    var target = 0.0
    /// The estimate at the beginning.
    var firstGap: Double?
    /// The iteration of the last look at what is gained, and the gap then: the estimate in single
    /// precision, the certified gap in double precision, nil at the first in each.
    var lastLook = 0
    var lastGap: Double?

    /// Iterations between looks.
    private static let interval = 50  // less than a halving in so many is no progress
    /// The gaps below which rounding is looked for: of products in single precision, of the stored
    /// weights.
    private static let (largestSingle, largestStored) = (1e-5, 1e-7)

    /// Whether to see if anything still gets better, before the target is reached.
    func isLookDue(_ iterations: Int, relativeGap: Double, precision: Precision) -> Bool {
      relativeGap > target
        && relativeGap <= (precision == .double ? Self.largestStored : Self.largestSingle)
        && iterations - lastLook >= Self.interval
    }

    /// Whether a gap has hardly become smaller since the last look.
    func isStagnant(_ gap: Double) -> Bool { lastGap.map { gap > $0 / 2 } ?? false }

    mutating func look(at gap: Double, _ iterations: Int) {
      (lastLook, lastGap) = (iterations, gap)
    }
  }
}

// MARK: Checkpoints

extension LBFGSState {
  var record: CheckpointRecord {
    var record = CheckpointRecord()
    record.numbers = [
      "weights": weights, "bias": bias, "gradient": gradient, "loss": loss, "residual": residual,
      "mass-bounds": massBounds,
      "curvature": elimination.curvature?.rowByRowElements ?? [],
      "goal": [goal.referenceNorm, goal.target], "first-gap": goal.firstGap.map { [$0] } ?? [],
      "last-gap": goal.lastGap.map { [$0] } ?? [],
    ]
    record.counts = [
      "stalled": isStalled.map { $0 ? 1 : 0 }, "wide": [precision == .double ? 1 : 0],
      "iterations": [iterations], "passes": [passes], "last-look": [goal.lastLook],
    ]
    // Pairs and trail both end with the last step: the longer list of directions has the other.
    let (pairs, legs) = (memory.history, trail.legs.map(\.direction))
    record.vectors["directions"] = pairs.count > legs.count ? pairs : legs
    record.add(memory.record, as: "memory")
    record.add(trail.record, as: "trail")
    return record
  }

  /// The state that a record was made of.
  ///
  /// - Parameters:
  ///   - width: D.
  ///   - stride: numbers of a class in gradients and directions.
  ///   - elimination: a new one.
  init(
    _ record: CheckpointRecord, classCount: Int, width: Int, stride: Int, groupCount: Int,
    elimination: BiasElimination
  ) throws {
    weights = try record.numbers("weights", classCount * width)
    bias = try record.numbers("bias", classCount)
    gradient = try record.numbers("gradient", classCount * stride)
    loss = try record.numbers("loss", classCount)
    residual = try record.numbers("residual", classCount)
    massBounds = try record.numbers("mass-bounds", classCount)
    isStalled = try record.counts("stalled", groupCount).map { $0 != 0 }
    precision = try record.count("wide") != 0 ? .double : .single
    iterations = try record.count("iterations")
    passes = try record.count("passes")
    let goals = try record.numbers("goal", 2)
    goal = Goal(
      referenceNorm: goals[0], target: goals[1], firstGap: try record.numbers("first-gap").first,
      lastLook: try record.count("last-look"),
      lastGap: try record.numbers("last-gap").first)
    self.elimination = elimination
    let curvature = try record.numbers("curvature")
    if curvature.count == classCount * classCount {
      self.elimination.curvature = PositiveDefiniteFactor(
        size: classCount, rowByRowElements: curvature)
    }
    let history = try record.vectors("directions", length: classCount * stride)
    memory = try LimitedMemory(
      record.part("memory"), history: history, classCount: classCount, stride: stride,
      groupCount: groupCount)
    trail = try LogitTrail(
      record.part("trail"), history: history, classCount: classCount, width: width)
  }
}
