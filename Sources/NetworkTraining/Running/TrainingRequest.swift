package import ConvNet
package import Files
internal import Images
package import Tensors

/// All that decides the bytes of a trained network.
package struct TrainingRequest: Sendable {
  package var plan: NetworkPlan
  package var settings: SolverSettings
  /// Images of a step.
  package var batchSize: Int
  package var images: TrainingImages
  /// Nil for none.
  package var validation: TrainingImages?
  package var classes: [ByteString]
  package var transform: InputTransform
  package var augmentation: Augmentation
  package var seed: UInt64
  /// The weights to begin with, but for the layers replaced; nil to begin with fillers alone.
  package var model: Model?
  package var replaced: Set<String>

  package init(
    plan: NetworkPlan, settings: SolverSettings, batchSize: Int, images: TrainingImages,
    validation: TrainingImages?, classes: [ByteString], transform: InputTransform,
    augmentation: Augmentation, seed: UInt64, model: Model?, replaced: Set<String>
  ) {
    (self.plan, self.settings, self.batchSize) = (plan, settings, batchSize)
    (self.images, self.validation, self.classes) = (images, validation, classes)
    (self.transform, self.augmentation, self.seed) = (transform, augmentation, seed)
    (self.model, self.replaced) = (model, replaced)
  }

  /// Steps that look at every image once; the last may have fewer images than the others.
  package var stepsPerEpoch: Int { (images.count + batchSize - 1) / batchSize }

  /// Checks what the parts say of each other.
  ///
  /// - Throws: `TrainingError.wrongClassCount` or `wrongInputSize`.
  package func validate() throws(TrainingError) {
    guard plan.classCount == classes.count else {
      throw .wrongClassCount(
        layer: plan.lastParameterLayer, outputs: plan.classCount, classes: classes.count)
    }
    let input = plan.definition.inputShape
    let layout = transform.inputLayout
    guard
      BlobShape(layout.channels, layout.height, layout.width) == input
    else {
      throw .wrongInputSize(
        transform: transform.name, found: "\(layout.channels)×\(layout.height)×\(layout.width)",
        expected: input.dimensions.map(String.init).joined(separator: "×"))
    }
  }

  /// What decides the bytes, as JSON: of a checkpoint, and of the model.
  ///
  /// - Parameter kernelClass: the lowest of all ranks.
  package func job(_ kernelClass: KernelClass) throws -> JSONValue {
    try JSONValue(encoding: TrainingJob(self, kernelClass))
  }
}

/// What decides a training's bytes; see `TrainingRequest`.
private struct TrainingJob: Codable {
  /// Grows when the same training starts to give other bytes.
  static let arithmetic = 1

  let arithmetic: Int
  let kernelClass: KernelClass
  let list: String
  let rows: String
  let validation: String?
  let validationRows: String?
  let classes: String
  let network: String
  let layers: String
  let frozenBelow: String?
  let factors: [String: ParameterRates]
  let solver: SolverSettings
  let batchSize: Int
  let transform: InputTransform
  let augmentation: Augmentation
  /// Text, for JSON has no integers of 64 bits.
  let seed: String
  let weights: String?
  let replaced: [String]

  init(_ request: TrainingRequest, _ kernelClass: KernelClass) {
    arithmetic = Self.arithmetic
    self.kernelClass = kernelClass
    list = request.images.list.sha256.hexadecimal
    rows = Self.digest(request.images)
    validation = request.validation?.list.sha256.hexadecimal
    validationRows = request.validation.map(Self.digest)
    classes = SHA256Digest(of: request.classes.flatMap { $0.bytes + [0] }).hexadecimal
    network = request.plan.text.architecture.text
    // Rates and fillers, which the network's own text has no words for.
    layers =
      SHA256Digest(
        of: Array("\(request.plan.text.layers) \(request.plan.text.dropouts)".utf8)
      ).hexadecimal
    frozenBelow = request.plan.frozenBelow
    factors = request.plan.factors
    solver = request.settings
    batchSize = request.batchSize
    (transform, augmentation) = (request.transform, request.augmentation)
    seed = "\(request.seed)"
    weights = request.model?.weightsSHA256.hexadecimal
    replaced = request.replaced.sorted()
  }

  private static func digest(_ images: TrainingImages) -> String {
    SHA256Digest(of: NumberBytes.bytes(images.rows) + NumberBytes.bytes(images.labels)).hexadecimal
  }
}
