package import Classification

/// A way to train: a row of the result.
package struct Method: Hashable, Sendable, Codable {
  package let layer: String
  package let loss: Loss
  /// The probability of a feature to be dropped in training.
  package let dropout: Double

  /// For people: `fc6 softmax`, `fc6 softmax, dropout 0.5`.
  package var description: String {
    Self.description(layer: layer, loss: loss.rawValue, dropout: dropout)
  }

  static func description(layer: String, loss: String, dropout: Double) -> String {
    "\(layer) \(loss)" + (dropout == 0 ? "" : ", dropout \(dropout)")
  }
}

/// What one training and its test gave.
struct Outcome: Sendable, Codable, Equatable {
  /// Its number in the evaluation.
  let task: Int
  let C: Double
  /// The share of the rows held out that the chosen C predicted right; nil where C was given.
  let validation: Double?
  let relativeGap: Double
  let isConverged: Bool
  /// Triples: true class, predicted class, how many test rows.
  var confusion: [Int]
  /// Test rows whose features are infinite, which put the classes in no order: they have no
  /// prediction and count nowhere else, as in `Predictor`.
  var notFinite = 0

  /// Whether more than half of the objective is unproved: as far as anybody can tell, nothing was
  /// learned. A gap that is no number proves nothing either.
  var isUnproved: Bool { !isConverged && !(relativeGap <= 0.5) }

  /// For each class, test rows predicted right and test rows in all.
  func counts(classCount: Int) -> (correct: [Int], total: [Int]) {
    var correct = [Int](repeating: 0, count: classCount)
    var total = correct
    for i in stride(from: 0, to: confusion.count, by: 3) {
      total[confusion[i]] += confusion[i + 2]
      if confusion[i] == confusion[i + 1] { correct[confusion[i]] += confusion[i + 2] }
    }
    return (correct, total)
  }

  /// The mean over the classes with test rows of the share predicted right, in per cent.
  func meanPerClass(classCount: Int) -> Double {
    let (correct, total) = counts(classCount: classCount)
    let shares = zip(correct, total).filter { $1 > 0 }.map { Double($0) / Double($1) }
    return 100 * shares.reduce(0, +) / Double(max(1, shares.count))
  }

  /// The share of all test rows predicted right, in per cent.
  func overall(classCount: Int) -> Double {
    let (correct, total) = counts(classCount: classCount)
    return 100 * Double(correct.reduce(0, +)) / Double(max(1, total.reduce(0, +)))
  }
}
