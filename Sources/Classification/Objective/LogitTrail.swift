/// How the objective's logits came about: the weights they were last made of, and the steps since.
///
/// Logits move with every step by products with its direction, and so hold the rounding of all of
/// them: they cannot be made of the weights alone. Retracing the trail makes the same bytes again,
/// whichever ranks hold the rows. That takes a product with the features for each step, hence the
/// trail begins anew after `longest` steps, from weights; in between, training may stop anywhere.
struct LogitTrail {
  /// One step.
  struct Leg {
    /// K×stride; zero for classes that did not move.
    var direction: [Float]
    /// Those that the direction was made for, and how far each went.
    var classes: [Int]
    var steps: [Double]
  }

  /// For each class, weights that its logits were made of, in double precision; K×D.
  private(set) var weights: [Double]
  private(set) var legs: [Leg] = []

  /// Steps after which logits are made of the weights again: in double precision that takes as long
  /// as one step, 2.5 % of the time of so many. `LimitedMemory` keeps half the directions anyway.
  static let longest = 40

  /// Logits of zero.
  init(classCount: Int, width: Int) {
    weights = [Double](repeating: 0, count: classCount * width)
  }

  var isFull: Bool { legs.count >= Self.longest }

  /// The classes that have moved since their logits were made of weights.
  var movedClasses: [Int] { Set(legs.flatMap(\.classes)).sorted() }

  mutating func append(_ leg: Leg) { legs.append(leg) }

  /// Makes the logits of some classes, at least of all that have moved, of their weights, and begins
  /// the trail there.
  ///
  /// - Parameter new: K×D.
  mutating func restart(_ objective: Objective, classes: [Int], weights new: [Double]) throws {
    let width = objective.rows.width
    try objective.setLogits(of: classes, weights: new)
    for k in classes {
      weights.replaceSubrange(
        k * width..<(k + 1) * width, with: new[k * width..<(k + 1) * width])
    }
    legs = []
  }

  /// Makes the logits again that the trail led to, from none.
  ///
  /// - Parameter precision: of the products with directions.
  func retrace(_ objective: Objective, stride: Int, precision: Precision) throws {
    try objective.setLogits(weights: weights)
    for leg in legs {
      let direction = leg.classes.flatMap { leg.direction[$0 * stride..<($0 + 1) * stride] }
      try objective.multiply(
        direction: direction, count: leg.classes.count, stride: stride, precision: precision)
      objective.advance(classes: leg.classes, steps: leg.steps)
    }
  }
}

// MARK: Checkpoints

extension LogitTrail {
  /// All but the directions.
  var record: CheckpointRecord {
    var record = CheckpointRecord()
    record.numbers["weights"] = weights
    record.counts["class-counts"] = legs.map(\.classes.count)
    record.counts["classes"] = legs.flatMap(\.classes)
    record.numbers["steps"] = legs.flatMap(\.steps)
    return record
  }

  /// The trail that a record was made of.
  ///
  /// - Parameter history: directions, of which the last are those of the trail.
  init(_ record: CheckpointRecord, history: [[Float]], classCount: Int, width: Int) throws {
    weights = try record.numbers("weights", classCount * width)
    let counts = try record.counts("class-counts")
    let classes = try record.counts("classes", counts.reduce(0, +))
    let steps = try record.numbers("steps", classes.count)
    guard counts.count <= history.count, counts.allSatisfy({ $0 >= 0 }),
      classes.allSatisfy({ 0..<classCount ~= $0 })
    else {
      throw CheckpointRecord.MissingEntry(name: "directions")
    }
    var start = 0
    for (count, direction) in zip(counts, history.suffix(counts.count)) {
      legs.append(
        Leg(
          direction: direction, classes: Array(classes[start..<start + count]),
          steps: Array(steps[start..<start + count])))
      start += count
    }
  }
}
