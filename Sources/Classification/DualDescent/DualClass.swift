/// How far one class of the squared hinge has come: its point of the dual, and what was proved of it.
///
/// The weights are `V = Σ α_i·y_i·x_i`: the few rows with α > 0 say all.
struct DualClass: Sendable, Equatable {
  enum Status: Int, Sendable {
    /// Goes on.
    case open
    /// Within the tolerance.
    case done
    /// Does not get there by coordinate descent.
    case unsettled
  }

  /// Rows of the source with α > 0, ascending, and α. With a free bias `Σ α·y = 0`.
  var rows: [Int] = []
  var alphas: [Double] = []
  /// The bias that belongs to V, as the source has its features.
  var bias: Double
  /// The classifier's bias, and whether its weights are V in double precision, not rounded.
  var storedBias = 0.0
  var isWide = false
  var status = Status.open
  /// At the beginning of the last round.
  var measure = Measure()
  /// Rounds in which the gap hardly became smaller.
  var slowRounds = 0
  /// Rows within the margin, or with α > 0.
  var activeCount = 0

  /// The class of all rows that are not this one's: all signs are the opposite.
  var mirrored: DualClass {
    var other = self
    (other.bias, other.storedBias) = (-bias, -storedBias)
    return other
  }

  /// One class's share of a certificate; see `Certificate`.
  struct Measure: Sendable, Equatable {
    var objective = 0.0
    var gap = 0.0
    var gain = 0.0
    /// `‖W − V‖²`, with a regularized bias's part.
    var squaredDifference = 0.0

    /// What the gap is measured by.
    var scale: Double { min(objective, gain) }
  }
}

/// A class as numbers, as ranks send it and checkpoints keep it.
extension DualClass {
  /// All but the rows and their α.
  var numbers: [Double] {
    [
      bias, storedBias, isWide ? 1 : 0, Double(status.rawValue), measure.objective, measure.gap,
      measure.gain, measure.squaredDifference, Double(slowRounds), Double(activeCount),
      Double(rows.count),
    ]
  }

  static let numberCount = 11

  /// - Parameter numbers: `numbers`.
  /// - Returns: nil for numbers that no class has.
  init?(numbers: ArraySlice<Double>, rows: ArraySlice<Int>, alphas: ArraySlice<Double>) {
    let n = Array(numbers)
    guard n.count == Self.numberCount, let code = Int(exactly: n[3]),
      let status = Status(rawValue: code), let slow = Int(exactly: n[8]),
      let active = Int(exactly: n[9]), rows.count == alphas.count
    else { return nil }
    (self.rows, self.alphas) = (Array(rows), Array(alphas))
    (bias, storedBias, isWide, self.status) = (n[0], n[1], n[2] != 0, status)
    measure = Measure(objective: n[4], gap: n[5], gain: n[6], squaredDifference: n[7])
    (slowRounds, activeCount) = (slow, active)
  }
}
