package import Files
internal import Tensors

/// A network with its weights, checked, and what is known of where they come from.
package final class Model: Sendable {
  /// How the order of the layers was decided.
  package enum ArchitectureSource: String, Sendable, Codable {
    /// The caller named it.
    case given
    /// The file lists its pooling and normalization layers in this order.
    case layerOrder = "layer order"
    /// A safetensors file's metadata names it.
    case metadata
    /// The network's name in the file.
    case networkName = "network name"
    /// Nothing in the file tells but names and shapes; of two orders that fit, `caffenet` was assumed.
    case shapes
  }

  /// What a model is besides its numbers.
  struct Origin {
    /// The network's own name in the file, or empty.
    var name = ""
    /// Where the weights came from, for messages; empty for a model made in memory.
    var path = ""
    var architectureSource = ArchitectureSource.given
    /// The input transform that the file's kind of weights goes with, in place of the network's own.
    var preprocess: String?
    /// The transform itself, where the file describes it.
    var transform: InputTransform?
    /// The file says of itself that its weights were never trained.
    var isUntrained = false
    /// How the weights were trained, if that was done here: what `decaf finetune` notes.
    var training: String?
    /// The `weightsSHA256`, in hexadecimal, of the weights that panels were made of; panels of others,
    /// or of another shape, are left aside with a warning.
    var panelsDigest: String?
    /// What the user should know: an assumed architecture, layers left aside.
    var warnings = [String]()
    /// The files that the numbers are in; none for a model made in memory.
    var inputs = [InputFile]()
  }

  package let architecture: Architecture
  /// The layers, cut after the last one that the weights reach, and their numbers.
  let network: Network
  /// Identifies the numbers, whatever file they are in; see `Network.digest`.
  package let weightsSHA256: SHA256Digest
  private let origin: Origin

  package var definition: NetworkDefinition { network.definition }
  package var architectureSource: ArchitectureSource { origin.architectureSource }
  package var name: String { origin.name }
  package var path: String { origin.path }
  package var isUntrained: Bool { origin.isUntrained }
  /// The name of the input transform that goes with the weights; nil when nothing names one.
  package var preprocess: String? {
    origin.transform?.name ?? origin.preprocess ?? architecture.preprocess
  }
  /// The transform that the weights' file describes, beside naming one.
  var describedTransform: InputTransform? { origin.transform }
  /// That of the weights alone.
  var ownPreprocess: String? { origin.preprocess }
  /// How the weights were trained, JSON, if `decaf finetune` or `train-network` made them.
  package var training: String? { origin.training }
  package var warnings: [String] { origin.warnings }
  /// The files that the numbers are in, and are still read from.
  package var inputs: [InputFile] { origin.inputs }

  /// Every activation that can be computed, `data` first.
  package var reachableBlobs: [BlobName] { definition.blobs }

  /// Builds a model of numbers that are at hand.
  ///
  /// - Parameters:
  ///   - parameters: by layer name: the first few of the network's layers with weights, without a gap.
  ///   - known: the numbers' digest, where somebody has read them all before.
  /// - Throws: `ModelError.missingLayer`, `wrongCount` or `notFinite`.
  init(
    architecture: Architecture, parameters: [String: LayerParameters], origin: Origin = Origin(),
    digest known: SHA256Digest? = nil
  ) throws(ModelError) {
    let names = architecture.definition.parameterLayerNames
    let reached = names.prefix { parameters[$0] != nil }
    guard let last = reached.last, reached.count == parameters.count else {
      throw .missingLayer(
        names.first { parameters[$0] == nil } ?? names.first ?? "any layer", path: origin.path,
        found: parameters.keys.sorted(), expected: names)
    }
    let network = try Network(
      NetworkDefinition(architecture, through: last), parameters: parameters, path: origin.path)
    let digest: SHA256Digest
    if let known { digest = known } else { digest = try network.digest(path: origin.path) }
    var origin = origin
    if network.hasPanels, origin.panelsDigest != digest.hexadecimal || !network.panelsFit {
      origin.warnings.append(
        "the panels of \(origin.path) are left aside: they were made of other weights than the file "
          + "has; decaf model convert makes new ones")
      self.network = network.withoutPanels
    } else {
      self.network = network
    }
    self.architecture = architecture
    self.origin = origin
    weightsSHA256 = digest
  }

  /// Builds a model of numbers that were learned.
  ///
  /// - Parameters:
  ///   - parameters: by layer name, of all layers that have some.
  ///   - name: the network's own.
  ///   - training: how they were, JSON.
  /// - Throws: `ModelError.missingLayer`, `wrongCount` or `notFinite`.
  package convenience init(
    trained architecture: Architecture, parameters: [String: LayerParameters], name: String,
    training: String
  ) throws(ModelError) {
    try self.init(
      architecture: architecture, parameters: parameters,
      origin: Origin(name: name, training: training))
  }

  /// Both sides of the images that the network reads.
  ///
  /// - Throws: `ModelError.noImages` when it reads something else than squares of three channels.
  package func imageSide() throws(ModelError) -> Int {
    let shape = definition.inputShape
    guard shape.channels == 3, shape.height == shape.width else {
      throw .noImages(network: architecture.rawValue, input: shape)
    }
    return shape.width
  }

  /// The numbers of the layer called `layer`, not read yet.
  ///
  /// - Precondition: the definition has the layer, and it has weights.
  package func storedParameters(_ layer: String) -> LayerParameters {
    network.storedParameters(layer)
  }

  /// A copy of all numbers of the layer called `layer`; fc6's weights are 151 MB.
  func parameters(_ layer: String) -> (weights: [Float], biases: [Float]) {
    let stored = storedParameters(layer)
    let count = definition.layers.first { $0.name == layer }!.outputShape.channels
    return (stored.weights.floats(), stored.biases(count: count))
  }

  /// Compares all weights that the file repeats in panels with those they were made of.
  ///
  /// - Throws: `ModelError.differingPanels`.
  package func checkPanels() throws(ModelError) {
    for layer in definition.layers where layer.hasParameters {
      let found = storedParameters(layer.name)
      guard let stored = found.panels else { continue }
      let expected = WeightPanels(of: found.weights, outputs: layer.outputShape.channels)
      guard (0..<expected.count).allSatisfy({ expected.agree(with: stored, in: $0) }) else {
        throw .differingPanels(layer: layer.name, path: path)
      }
    }
  }

  /// - Throws: `ModelError.unknownBlob` when the network has no activation `blob`, `unreachableBlob` when
  ///   the weights do not reach it.
  package func requireReachable(_ blob: BlobName) throws(ModelError) {
    guard architecture.definition.contains(blob) else {
      throw .unknownBlob(
        blob.description, network: architecture.rawValue,
        valid: architecture.definition.blobs.map(\.description))
    }
    guard definition.contains(blob) else {
      throw .unreachableBlob(blob, path: path, reachable: reachableBlobs.map(\.description))
    }
  }
}
