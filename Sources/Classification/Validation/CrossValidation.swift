internal import Tensors

/// How often each C was right on rows held out from training.
package struct CrossValidation: Sendable, Equatable, Codable {
  /// One C and its fortune in each fold.
  package struct Candidate: Sendable, Equatable, Codable {
    package let C: Double
    /// Rows predicted right, of each fold.
    package let correct: [Int]

    package init(C: Double, correct: [Int]) {
      (self.C, self.correct) = (C, correct)
    }
  }

  /// Rows held out, of each fold.
  package let heldOut: [Int]
  /// From the smallest C to the largest.
  package let candidates: [Candidate]

  /// - Precondition: there is a candidate.
  package init(heldOut: [Int], candidates: [Candidate]) {
    (self.heldOut, self.candidates) = (heldOut, candidates)
  }

  /// The share of all held-out rows that a candidate predicted right.
  package func accuracy(_ candidate: Candidate) -> Double {
    Double(candidate.correct.reduce(0, +)) / Double(heldOut.reduce(0, +))
  }

  /// The standard deviation of a candidate's accuracy over the folds; nil for fewer than two.
  package func deviation(_ candidate: Candidate) -> Double? {
    let shares = zip(candidate.correct, heldOut).filter { $1 > 0 }.map { Double($0) / Double($1) }
    if shares.count < 2 { return nil }
    let mean = shares.reduce(0, +) / Double(shares.count)
    let squares = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(shares.count - 1)).squareRoot()
  }

  /// The candidate that was right most often; of several the one with the smallest C.
  package var best: Candidate {
    candidates[candidates.map { $0.correct.reduce(0, +) }.indexOfLargest()]
  }
}
