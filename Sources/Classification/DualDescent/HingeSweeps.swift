internal import Tensors

/// Dual coordinate descent for one class of the squared hinge, over a short list of rows.
///
/// The dual is `Σα − Σα²/4Cc − ½‖Σ α·y·x‖²`, `α ≥ 0`; a visit makes one α the best, given the others
/// (Hsieh, Chang, Lin, Keerthi and Sundararajan, “A dual coordinate descent method for large-scale
/// linear SVM”, 2008). A regularized bias is a feature of 1. A free one is the multiplier of
/// `Σ α·y = 0`, approached by proximal steps `b ← b + μ·Σ α·y`, one a sweep; rows count as if their
/// mean were 0, which changes the bias alone and leaves steps that the mean would hide.
struct HingeSweeps {
  /// A row that takes part.
  struct Entry: Sendable {
    /// In the cache, and among the products; −1 where there are none.
    var slot: Int
    var place: Int
    /// In the source.
    var row: Int
    /// y, ±1.
    var sign: Double
    /// C·c.
    var cost: Double
    var scale: Double
    var squaredNorm: Double
    var centreProduct: Double
    var alpha: Double
  }

  let cache: CachedRows
  /// What to use in place of features; nil for those themselves.
  let products: RowProducts?
  let regularizesBias: Bool
  let squaredCentre: Double
  /// Draws the order of visits.
  let seed: UInt64

  private static let mostSweeps = 100

  /// Σ α·y·x, kept up to date; with products, those of it with all rows, not scaled.
  private var weights: [Double]
  /// Of centred rows.
  private(set) var bias: Double
  private var signedSum = 0.0
  private var centreSum = 0.0

  init(
    cache: CachedRows, products: RowProducts?, regularizesBias: Bool, squaredCentre: Double,
    seed: UInt64, weights: [Double], bias: Double
  ) {
    (self.cache, self.products, self.regularizesBias) = (cache, products, regularizesBias)
    (self.squaredCentre, self.seed) = (squaredCentre, seed)
    (self.weights, self.bias) = (weights, bias)
  }

  /// Visits the entries until their part of the gap seems to be at most `target`.
  ///
  /// - Parameter entries: those within the margin or with α > 0; gets the new α.
  /// - Returns: the sweeps made.
  mutating func run(_ entries: inout [Entry], target: Double) -> Int {
    if entries.isEmpty { return 0 }
    if let products {
      weights = [Double](repeating: 0, count: products.count)
      for entry in entries where entry.alpha > 0 {
        products.add(entry.place, times: entry.sign * entry.alpha * entry.scale, to: &weights)
      }
    }
    (signedSum, centreSum) = (0, 0)
    for entry in entries {
      signedSum += entry.sign * entry.alpha
      centreSum += entry.sign * entry.alpha * entry.centreProduct
    }
    let mean =
      entries.reduce(0) { $0 + $1.squaredNorm + 1 / (2 * $1.cost) } / Double(entries.count)
    // Larger steps of the bias end sooner, but make each subproblem harder: a share of the curvature.
    let proximity = regularizesBias ? 1 : 0.1 * mean
    // As if an earlier step had led here.
    var start = regularizesBias ? 0 : bias - proximity * signedSum
    var order = Array(entries.indices)
    var generator = SeededGenerator(seed: seed)
    for sweep in 1...Self.mostSweeps {
      Self.shuffle(&order, &generator)
      var gap = visit(&order, &entries, start: start, proximity: proximity)
      if !regularizesBias {
        gap += abs(signedSum * bias) + proximity * signedSum * signedSum
        start += proximity * signedSum
        bias = start + proximity * signedSum
      }
      if sweep >= 2 && gap <= target { return sweep }
    }
    return Self.mostSweeps
  }

  /// One sweep; entries that have no reason to stay leave `order`.
  ///
  /// - Returns: the entries' part of the gap, each as it was met.
  private mutating func visit(
    _ order: inout [Int], _ entries: inout [Entry], start: Double, proximity: Double
  ) -> Double {
    var gap = 0.0
    var kept = 0
    for place in order.indices {
      let i = order[place]
      let entry = entries[i]
      let product = products == nil ? cache.dot(entry.slot, weights) : weights[entry.place]
      let logit =
        product * entry.scale - signedSum * entry.centreProduct - centreSum
        + signedSum * squaredCentre + start + proximity * signedSum
      let slope = entry.sign * logit - 1 + entry.alpha / (2 * entry.cost)
      if entry.alpha == 0 && slope >= 0 { continue }
      order[kept] = i
      kept += 1
      let margin = entry.sign * logit
      gap +=
        margin < 1
        ? entry.cost * slope * slope
        : entry.alpha * (entry.alpha / (4 * entry.cost) + (margin - 1))
      let curvature = entry.squaredNorm + proximity + 1 / (2 * entry.cost)
      let alpha = max(0, entry.alpha - slope / curvature)
      let change = entry.sign * (alpha - entry.alpha)
      if change == 0 { continue }
      entries[i].alpha = alpha
      if let products {
        products.add(entry.place, times: change * entry.scale, to: &weights)
      } else {
        cache.add(entry.slot, times: change * entry.scale, to: &weights)
      }
      signedSum += change
      centreSum += change * entry.centreProduct
    }
    order.removeLast(order.count - kept)
    bias = start + proximity * signedSum
    return gap
  }

  /// A permutation drawn with equal chances (Fisher and Yates), but for 2^-32 of them.
  static func shuffle(_ order: inout [Int], _ generator: inout SeededGenerator) {
    var last = order.count - 1
    while last > 0 {
      let other = Int(((generator.next() >> 32) * UInt64(last + 1)) >> 32)
      order.swapAt(last, other)
      last -= 1
    }
  }
}
