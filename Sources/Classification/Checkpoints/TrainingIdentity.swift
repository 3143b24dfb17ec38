package import Communication
package import FeatureStore
internal import Files
internal import Tensors

/// What decides the bytes of a classifier: a checkpoint of one training is no use to another, and a
/// classifier knows the training it came from.
///
/// What is not here (ranks, threads, paths, limits of time) does not show in them.
package struct TrainingIdentity: Codable, Sendable {
  /// A store, by what it says of itself and of its files.
  package struct StoreIdentity: Codable, Equatable, Sendable {
    var fingerprint: String
    var rows: String
    var shards: [String]

    /// - Parameter layer: the name of the layer whose files count.
    package init(_ store: Store, layer: String) {
      fingerprint = store.manifest.fingerprint
      rows = store.manifest.rows.sha256
      shards =
        store.manifest.layers.first { $0.name.utf8.elementsEqual(layer.utf8) }?
        .shards.map(\.sha256) ?? []
    }
  }

  var stores: [StoreIdentity]
  var layer: String
  var loss: Loss
  var C: Double
  /// Values of C to choose from; nil for none.
  var path: [Double]?
  var folds: Int?
  /// Of the folds and of what is dropped; text, for JSON has no integers of 64 bits.
  var seed: String
  var tolerance: Double
  var maximumIterations: Int
  var regularizesBias: Bool
  var normalization: RowNormalization
  var standardizes: Bool
  var dropout: Double
  var dropoutCopies: Int
  var method: String
  /// By class; `balanced` or `equal` for all.
  var classWeights: [String: Double]
  var classWeightRule: String
  /// SHA-256 of the rows' weights and of the weights and biases to begin with.
  var rowWeights: String?
  var start: String?
  var kernelClass = ""
  /// Grows when the same training starts to give other bytes.
  var arithmetic = Self.currentArithmetic

  private static let currentArithmetic = 5

  /// - Parameters:
  ///   - path: values of C to choose from, by `folds` folds.
  ///   - rowWeights: of the stores' rows; nil for none.
  ///   - start: a classifier to begin with.
  package init(
    stores: [StoreIdentity], layer: String, options: TrainingOptions, path: [Double]? = nil,
    folds: Int? = nil, seed: UInt64 = 0, rowWeights: [Double]? = nil, start: Classifier? = nil
  ) {
    self.stores = stores
    self.layer = layer
    loss = options.loss
    C = path == nil ? options.C : 0
    (self.path, self.folds) = (path, folds)
    self.seed = "\(seed)"
    tolerance = options.tolerance
    maximumIterations = options.maximumIterations
    regularizesBias = options.regularizesBias
    normalization = options.normalization
    standardizes = options.standardizes
    dropout = options.effectiveDropout?.probability ?? 0
    dropoutCopies = options.effectiveDropout?.copies ?? 1
    method = "\(options.method)"
    classWeights = [:]
    switch options.classWeights {
    case .equal: classWeightRule = "equal"
    case .balanced: classWeightRule = "balanced"
    case .named(let weights):
      classWeightRule = "named"
      for (name, weight) in weights.sorted(by: { $0.key < $1.key }) {
        // To `String` differently composed names are equal: the second gets its bytes as well.
        let text = name.description
        let isTaken = classWeights[text] != nil
        classWeights[isTaken ? "\(text) \(name.bytes)" : text] = weight
      }
    }
    self.rowWeights = rowWeights.map {
      SHA256Digest(of: NumberBytes.bytes($0)).hexadecimal
    }
    self.start = start.map {
      var hasher = SHA256Digest.Hasher()
      for name in $0.classes { hasher.update(Array(name.utf8) + [0]) }
      hasher.update(NumberBytes.bytes($0.weights))
      hasher.update(NumberBytes.bytes($0.bias))
      return hasher.finalize().hexadecimal
    }
  }

  /// Notes the lowest kernel class among the ranks, which serves all. Collective.
  ///
  /// - Throws: `JobFailure` where `DECAF_KERNEL` names a class that cannot run.
  package mutating func settleKernels(_ communicator: any Communicator) throws {
    kernelClass = try communicator.lowest { try KernelClass.current }.rawValue
  }

  /// SHA-256 of what decides the bytes of the classifier that a training with this C gives, however C
  /// was chosen.
  ///
  /// - Precondition: `settleKernels` was called.
  package func job(C: Double) -> String {
    precondition(!kernelClass.isEmpty, "the kernels are not settled")
    var chosen = self
    (chosen.path, chosen.folds, chosen.C) = (nil, nil, C)
    // Draws folds, and what is dropped.
    if dropout == 0 { chosen.seed = "0" }
    return SHA256Digest(of: Array(chosen.json.compactText.utf8)).hexadecimal
  }

  var json: JSONValue {
    // There is nothing in it that JSON lacks.
    do { return try JSONValue(encoding: self) } catch {
      preconditionFailure("a training's identity cannot be written as JSON: \(error)")
    }
  }

  /// What this training has otherwise than the one of a checkpoint, in words.
  func differences(from other: JSONValue) -> [String] {
    json.differences(from: other).map {
      "\($0.keyPath): the checkpoint has \($0.other), this training \($0.own)"
    }
  }
}
