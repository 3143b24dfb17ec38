internal import FeatureStore
internal import Foundation
internal import Tensors

/// A trained linear classifier: `f = W·x + b`, and the class with the largest `f`.
package struct Classifier: Sendable, Equatable {
  /// Names of the K classes.
  package let classes: [String]
  /// `K×D`, row-major.
  ///
  /// Numbers of single precision, but where training found that their rounding matters.
  package let weights: [Double]
  package let bias: [Double]
  /// The weights in single precision; nil where that would change one.
  private let narrowWeights: [Float]?
  /// What features go through first, after normalization; nil for nothing.
  package let scaling: FeatureScaling?
  /// Which features it takes.
  package let features: FeatureOrigin
  package let training: Training
  /// The training it came from, `TrainingIdentity.job`; nil where no store is known, and in files of
  /// earlier versions.
  package let job: String?

  /// What it was trained for and how well.
  package struct Training: Sendable, Equatable, Codable {
    package let loss: Loss
    package let C: Double
    package let regularizesBias: Bool
    package let normalization: RowNormalization
    /// What was dropped in training; nothing is left to do in prediction. Nil where nothing was.
    package let dropout: Dropout?
    /// The weights of the classes; nil where all are 1.
    package let classWeights: [Double]?
    package let tolerance: Double
    /// Whether the certified gap is within the tolerance.
    package let isConverged: Bool
    package let iterations: Int
    package let certificate: Certificate
    /// Rows it was trained on, and rows left out.
    package let rows: Int
    package let failedRows: Int
    package let unlabelledRows: Int
  }

  /// - Precondition: the counts of classes, weights and biases fit each other.
  init(
    classes: [String], weights: [Double], bias: [Double], scaling: FeatureScaling? = nil,
    features: FeatureOrigin, training: Training, job: String? = nil
  ) {
    precondition(bias.count == classes.count && weights.count == classes.count * features.width)
    self.classes = classes
    self.weights = weights
    self.bias = bias
    let narrow = weights.map(Float.init)
    narrowWeights = zip(narrow, weights).allSatisfy { Double($0) == $1 } ? narrow : nil
    self.scaling = scaling
    self.features = features
    self.training = training
    self.job = job
  }

  /// The classifier that training gave.
  ///
  /// - Parameter job: `TrainingIdentity.job`.
  package init(
    _ result: TrainingResult, options: TrainingOptions, features: FeatureOrigin,
    job: String? = nil
  ) {
    self.init(
      classes: result.classes, weights: result.weights, bias: result.bias,
      scaling: result.scaling, features: features,
      training: Training(
        loss: options.loss, C: options.C, regularizesBias: options.regularizesBias,
        normalization: options.normalization, dropout: options.effectiveDropout,
        classWeights: options.classWeights == .equal ? nil : result.classWeights,
        tolerance: options.tolerance,
        isConverged: result.isConverged, iterations: result.iterations,
        certificate: result.certificate, rows: result.rowCount, failedRows: result.failedCount,
        unlabelledRows: result.unlabelledCount), job: job)
  }

  /// Values in a row.
  package var width: Int { features.width }

  /// The logit or margin of each class for one row of features.
  ///
  /// Computed in double precision, in an order that depends on the width alone: the same features
  /// get the same scores in a store, in a list and beside any other rows. NaN features give NaN.
  ///
  /// - Parameter row: not normalized yet; `width` values.
  package func scores(_ row: Span<Float>) -> [Float] {
    precondition(row.count == width, "a row of another width")
    let scale =
      training.normalization == .none
      ? 1 : training.normalization.scale(squaredNorm: VectorOperations.squaredNorm(row))
    if let scaling {
      var scaled: [Float] = []
      scaling.append(row, times: Float(scale), to: &scaled)
      return zip(products(scaled.span), bias).map { Float($0 + $1) }
    }
    return zip(products(row), bias).map { Float($0 * scale + $1) }
  }

  /// The products of a row with each class's weights.
  private func products(_ row: Span<Float>) -> [Double] {
    if let narrowWeights {
      return VectorOperations.products(row, narrowWeights.span, rowCount: classes.count)
    }
    return VectorOperations.products(row, weights, rowCount: classes.count)
  }

  /// Whether a float32 tensor holds the weights, and one the biases, without rounding.
  package var isNarrow: (weights: Bool, bias: Bool) {
    (narrowWeights != nil, bias.allSatisfy { Double(Float($0)) == $0 })
  }

  /// Refuses features that were made otherwise than those trained on.
  ///
  /// - Parameters:
  ///   - source: what the message calls the features: a store's path.
  /// - Throws: `ClassificationError.incompatibleFeatures`, naming what differs.
  package func check(_ origin: FeatureOrigin, of source: String) throws {
    let differences = try features.differences(from: origin)
    if !differences.isEmpty {
      throw ClassificationError.incompatibleFeatures(source: source, differences: differences)
    }
  }
}
