/// Where training in terms of rows may stop and go on.
extension RowSpaceSolver {
  /// How far `minimize` has come.
  struct State {
    /// How many smaller C are done with.
    var stage = 0
    /// Steps at this C, and before.
    var stageSteps = 0
    var steps = 0
    var point: Point
    /// Of the squared hinge: the classes solved. The point holds the minimum of each, and of the
    /// others where they start from.
    var solved: [Int] = []
    /// Whether it begins from a point that was given.
    var isWarm: Bool
  }

  /// Where a caller may stop a solver.
  struct Pauses {
    /// Makes what tells, on any thread, whether this rank would like to; not collective.
    var isDue: () -> @Sendable () -> Bool
    /// Called by all ranks at the same time; gets what makes the state to go on from.
    var pause: (_ state: () -> State) throws -> Void

    static var never: Pauses { Pauses(isDue: { { false } }, pause: { _ in }) }
  }
}

extension RowSpaceNewton.Point {
  /// No point at all.
  static var none: Self { Self(coefficients: [], bias: [], products: []) }
}

// MARK: Checkpoints

extension RowSpaceSolver.State {
  var record: CheckpointRecord {
    var record = CheckpointRecord()
    record.numbers = [
      "coefficients": point.coefficients, "bias": point.bias, "products": point.products,
    ]
    record.counts = [
      "stage": [stage], "stage-steps": [stageSteps], "steps": [steps], "solved": solved,
      "warm": [isWarm ? 1 : 0],
    ]
    return record
  }

  /// The state that a record was made of, for N rows and K classes.
  init(_ record: CheckpointRecord, rowCount: Int, classCount: Int) throws {
    point = RowSpaceNewton.Point(
      coefficients: try record.numbers("coefficients", rowCount * classCount),
      bias: try record.numbers("bias", classCount),
      products: try record.numbers("products", rowCount * classCount))
    stage = try record.count("stage")
    stageSteps = try record.count("stage-steps")
    steps = try record.count("steps")
    solved = try record.counts("solved")
    isWarm = try record.count("warm") != 0
  }
}
