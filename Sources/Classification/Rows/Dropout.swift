/// Training on rows of which random features are dropped (Hinton et al., “Improving neural networks
/// by preventing co-adaptation of feature detectors”, 2012), as the DeCAF paper does.
///
/// Every row stands for m noised copies `z`, and its loss for the mean of theirs:
/// `C · Σ c · 1/m · Σ_copies loss(W·z + b)`, with `z_j = 0` with probability p and `x_j / (1 − p)`
/// else, x being the row as it would be without dropout: normalized, then standardized. The copies are
/// drawn once, so this is a convex problem, solved and certified like any other.
///
/// The scaling is in training (“inverted dropout”): z is x on average, and prediction takes x as it
/// is. The papers keep x_j in training and multiply W with 1 − p in prediction; with
/// `½‖W‖² + C·Σ` this is the same classifier as here with C·(1 − p)².
package struct Dropout: Sendable, Equatable, Codable {
  /// p, in 0..<1; 0 for none.
  package let probability: Double
  /// m, the noised copies of each row.
  package let copies: Int
  /// Draws, with the row's number in the source and the copy's, what is dropped.
  package let seed: UInt64

  package static let defaultCopies = 4
  package static let maximumCopies = 1000

  package init(probability: Double, copies: Int = defaultCopies, seed: UInt64 = 0) {
    (self.probability, self.copies, self.seed) = (probability, copies, seed)
  }

  /// What is out of range.
  var problems: [String] {
    var problems: [String] = []
    if !(probability >= 0 && probability < 1) {
      problems.append("the dropout is \(probability), expected a number from 0 to below 1")
    }
    if !(1...Self.maximumCopies ~= copies) {
      problems.append("\(copies) dropout copies of each row, expected 1…\(Self.maximumCopies)")
    }
    return problems
  }
}
