import Classification
import Foundation

/// The training objective by its definition, classes unweighted: explicit loops in double precision.
struct SlowObjective {
  let rows: any RowSource
  let options: TrainingOptions
  /// The classes that have rows, as labels.
  let classes: [Int]
  private let kept: [(features: [Double], label: Int, weight: Double)]

  /// - Parameter factors: weights of the classes, by label; nil for 1 each.
  init(_ rows: some RowSource, _ options: TrainingOptions, factors: [Double]? = nil) throws {
    self.rows = rows
    self.options = options
    var kept: [(features: [Double], label: Int, weight: Double)] = []
    for row in 0..<rows.rowCount {
      guard case .labelled(let label) = rows.use(of: row) else { continue }
      var scratch: [Float] = []
      var features: [Double] = []
      try rows.withRows(row..<row + 1, scratch: &scratch) { span in
        for j in span.indices { features.append(Double(span[j])) }
      }
      if options.normalization == .l2 {
        let length = features.reduce(0) { $0 + $1 * $1 }.squareRoot()
        if length > 0 { features = features.map { $0 / length } }
      }
      kept.append((features, label, rows.weight(of: row) * (factors?[label] ?? 1)))
    }
    self.kept = kept
    classes = Set(kept.map(\.label)).sorted()
  }

  /// `½‖W‖² + C·Σ loss`, W being K×D.
  func value(weights: [Double], bias: [Double]) -> Double {
    var sum = weights.reduce(0) { $0 + $1 * $1 } / 2
    if options.regularizesBias { sum += bias.reduce(0) { $0 + $1 * $1 } / 2 }
    for (features, label, weight) in kept {
      let logits = classes.indices.map { k in
        bias[k] + (0..<rows.width).reduce(0) { $0 + weights[k * rows.width + $1] * features[$1] }
      }
      let own = classes.firstIndex(of: label)!
      switch options.loss {
      case .softmax:
        // The class itself adds 1, which would take the digits of a small loss.
        let others = classes.indices.reduce(0) {
          $1 == own ? $0 : $0 + exp(logits[$1] - logits[own])
        }
        let top = logits.max()!
        sum +=
          options.C * weight
          * (others < 1e100
            ? log1p(others)
            : top + log(logits.reduce(0) { $0 + exp($1 - top) }) - logits[own])
      case .logistic:
        for k in classes.indices {
          sum += options.C * weight * log1p(exp(k == own ? -logits[k] : logits[k]))
        }
      case .squaredHinge:
        for k in classes.indices {
          let slack = max(0, 1 - (k == own ? logits[k] : -logits[k]))
          sum += options.C * weight * slack * slack
        }
      default: preconditionFailure("no slow twin of \(options.loss.rawValue)")
      }
    }
    return sum
  }
}
