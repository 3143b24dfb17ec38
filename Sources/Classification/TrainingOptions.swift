/// What a linear classifier minimizes, and how exactly.
package struct TrainingOptions: Sendable, Equatable {
  package var loss: Loss
  /// Weight of the losses against `½‖W‖²`, in `usableC`.
  package var C: Double
  /// Largest duality gap at which training is done, relative to the objective and to all that weights
  /// can gain: `P − D ≤ tolerance · min(P, P(0) − D)`, P(0) being the objective of zero weights with
  /// the best bias.
  package var tolerance: Double
  /// Whether the bias is the weight of a constant feature 1 (LIBLINEAR's `-B 1`) and thus part of
  /// `½‖W‖²`; otherwise it is free.
  package var regularizesBias: Bool
  package var normalization: RowNormalization
  /// Whether each feature is brought to mean 0 and variance 1 over the training rows, after rows
  /// were normalized.
  package var standardizes: Bool
  /// Noised copies to train on in place of the rows; nil for none.
  package var dropout: Dropout?
  package var classWeights: ClassWeights
  /// Iterations after which training stops whatever the gap.
  package var maximumIterations: Int
  package var method: TrainingMethod

  package init(
    loss: Loss = .softmax, C: Double = 1, tolerance: Double = 1e-6, regularizesBias: Bool = false,
    normalization: RowNormalization = .none, standardizes: Bool = false,
    dropout: Dropout? = nil, classWeights: ClassWeights = .equal,
    maximumIterations: Int = 2000, method: TrainingMethod = .automatic
  ) {
    self.loss = loss
    self.C = C
    self.tolerance = tolerance
    self.regularizesBias = regularizesBias
    self.normalization = normalization
    self.standardizes = standardizes
    self.dropout = dropout
    self.classWeights = classWeights
    self.maximumIterations = maximumIterations
    self.method = method
  }

  /// The values of C that sums are made for, with features of magnitude 1e15 or less.
  package static let usableC = 1e-15...1e15
  /// The same for people.
  package static let usableCText = "1e-15 to 1e15"

  /// The dropout that changes anything; nil for a probability of 0.
  var effectiveDropout: Dropout? { dropout?.probability == 0 ? nil : dropout }

  /// Reports every value out of range at once.
  ///
  /// - Throws: `ClassificationError.invalidOptions`.
  package func validate() throws(ClassificationError) {
    var problems: [String] = []
    if !Self.usableC.contains(C) {
      problems.append(
        "C is \(C), expected a number from \(Self.usableCText); features multiplied by s are the same "
          + "as C by s²")
    }
    if !(tolerance > 0 && tolerance < 1) {
      problems.append("the tolerance is \(tolerance), expected a number between 0 and 1")
    }
    if maximumIterations < 1 {
      problems.append("at most \(maximumIterations) iterations, expected at least 1")
    }
    problems += dropout?.problems ?? []
    if case .named(let weights) = classWeights {
      for (name, value) in weights.sorted(by: { $0.key < $1.key })
      where !(value > 0 && value <= 1e15) {
        problems.append("class “\(name)” has weight \(value), expected a positive number")
      }
    }
    if !problems.isEmpty { throw .invalidOptions(problems) }
  }
}

/// What is done to a row before it is multiplied with the weights, in training and prediction.
package enum RowNormalization: String, Codable, Sendable, CaseIterable {
  case none
  /// Scaled to Euclidean length 1; a row of zeros stays as it is.
  case l2

  /// The factor for a row.
  func scale(squaredNorm: Double) -> Double {
    switch self {
    case .none: 1
    case .l2: squaredNorm > 0 ? 1 / squaredNorm.squareRoot() : 0
    }
  }
}

/// The unknowns in which training is solved; the classifier is the same within the tolerance.
package enum TrainingMethod: Sendable, CaseIterable {
  /// Where there are more rows than features, or the rows' products with each other would take more
  /// than 1 GiB a rank, `featureSpace`. Else first `featureSpace`, which is quickest on easy problems
  /// (small C, many classes), for about as long as `rowSpace` would take; then that, from the start:
  /// at most twice the time of the better one. Small problems go to `rowSpace` at once, and so do
  /// squared hinges up to twice that size.
  case automatic
  /// Coefficients of the rows, the kernel form: Newton's method on the Gram matrix, `N×N` numbers.
  case rowSpace
  /// Coefficients of the few rows within the margin, squared hinge alone: `DualDescent`, and where that
  /// gives up `featureSpace`.
  case dual
  /// Weights of the features: L-BFGS with passes over the rows.
  case featureSpace
}
