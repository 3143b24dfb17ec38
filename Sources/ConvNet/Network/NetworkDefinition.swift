internal import Formats
internal import Tensors

/// A network's layers in the order they run, with the shape of every activation on the way.
///
/// A network is a chain: every layer reads what the one before it makes. Layers that do nothing at
/// test time are left out.
package struct NetworkDefinition: Sendable, Equatable {
  package let layers: [Layer]
  private let shapes: [BlobName: BlobShape]

  /// A layer as a network's list has it.
  struct Entry {
    let name: String
    let kind: any LayerKind
    /// The blobs that it reads and makes.
    let bottom: String
    let top: String
    /// Where it stands, for messages.
    var line = 0

    var isInPlace: Bool { bottom == top }
  }

  /// The layers of `architecture` as far as the weights of `lastParameterLayer` carry: up to the next
  /// layer that has weights of its own.
  ///
  /// - Parameter lastParameterLayer: one of its `parameterLayerNames`; nil for the whole network.
  package init(_ architecture: Architecture, through lastParameterLayer: String? = nil) {
    self = architecture.definition.cut(through: lastParameterLayer)
  }

  private init(layers: [Layer], shapes: [BlobName: BlobShape]) {
    (self.layers, self.shapes) = (layers, shapes)
  }

  /// Chains the layers of a list, and carries the shape along.
  ///
  /// - Parameters:
  ///   - input: the shape of `data`.
  ///   - inputName: what the list calls it.
  ///   - source: where the list comes from, for messages.
  /// - Throws: `TextFormatError` when the list is no chain, or a layer cannot follow the one before.
  init(
    input: BlobShape, inputName: String = "data", entries list: [Entry], source: String = ""
  ) throws(TextFormatError) {
    try Self.checkChain(list, inputName: inputName, source: source)
    let entries = list.filter { !($0.kind.isIdentity && $0.isInPlace) }
    var layers = [Layer]()
    var (blob, shape, isFlat) = (BlobName.data, input, false)
    for (i, entry) in entries.enumerated() {
      let problem =
        entry.kind.problem(with: shape, isFlat: isFlat) ?? Self.problemOfSize(entry.kind, shape)
      if let problem {
        throw TextFormatError(
          source: source, line: entry.line, problem: "\(entry.name): \(problem)")
      }
      let layer = Layer(entry, input: blob, shape, output: Self.output(of: i, in: entries))
      layers.append(layer)
      (blob, shape) = (layer.output, layer.outputShape)
      isFlat = entry.kind.isFlat(behind: isFlat)
    }
    self.init(layers: layers, input: input)
    // Two activations would have one file.
    var stems = Set<String>()
    if let twice = blobs.first(where: { !stems.insert($0.fileStem).inserted }) {
      throw TextFormatError(
        source: source, line: entries.first { $0.top == twice.name }?.line ?? 1,
        problem: "top '\(twice.name)' differs from another by '/' and '-' alone")
    }
  }

  /// Why a layer's maps would be too large; nil when they are not. A gigabyte is beyond any network.
  private static func problemOfSize(_ kind: any LayerKind, _ input: BlobShape) -> String? {
    let (frame, limit) = (2 * kind.inputPadding, 1 << 28)
    let framed = (input.height + frame) * (input.width + frame) * input.channels
    let most = max(framed, kind.outputShape(from: input).count)
    return most <= limit ? nil : "activations of \(most) numbers, expected up to \(limit)"
  }

  private init(layers: [Layer], input: BlobShape) {
    self.layers = layers
    shapes = layers.reduce(into: [.data: input]) { $0[$1.output] = $1.outputShape }
  }

  /// What the layer makes. Layers in place replace each other's results: the last has the blob's name,
  /// what an activation in the last place reads is had as `:pre`, and what others read cannot be had.
  private static func output(of number: Int, in entries: [Entry]) -> BlobName {
    let name = entries[number].top
    let replacing = entries[(number + 1)...].prefix { $0.isInPlace }
    if replacing.isEmpty { return BlobName(name) }
    let isBeforeActivation = replacing.count == 1 && replacing.first!.kind.isActivation
    return BlobName(
      name, isPreactivation: isBeforeActivation,
      replacements: isBeforeActivation ? 0 : replacing.count)
  }

  /// Every layer reads what the one before makes, under a name of its own.
  private static func checkChain(
    _ list: [Entry], inputName: String, source: String
  ) throws(TextFormatError) {
    var (current, tops, names) = (inputName, Set([inputName, "data"]), Set<String>())
    for entry in list {
      func fail(_ problem: String) -> TextFormatError {
        TextFormatError(source: source, line: entry.line, problem: "\(entry.name): \(problem)")
      }
      guard names.insert(entry.name).inserted else { throw fail("a second layer of this name") }
      guard entry.bottom == current else {
        throw fail(
          "reads '\(entry.bottom)', but a network here is a chain, and the layer before makes "
            + "'\(current)'")
      }
      if entry.isInPlace {
        guard entry.kind.canReplaceInput else { throw fail("cannot work in place") }
        guard current != inputName || entry.kind.isIdentity else {
          throw fail("would replace the network's input: give it a top of another name")
        }
      } else {
        guard BlobName.isValid(entry.top) else {
          throw fail("top '\(entry.top)': expected a name without spaces, commas, quotes and ':'")
        }
        guard tops.insert(entry.top).inserted else { throw fail("makes '\(entry.top)' again") }
      }
      current = entry.top
    }
  }

  /// The layers up to the next one that has weights behind `lastParameterLayer`.
  func cut(through lastParameterLayer: String?) -> NetworkDefinition {
    guard let last = layers.firstIndex(where: { $0.name == lastParameterLayer }),
      let next = layers[(last + 1)...].firstIndex(where: \.hasParameters)
    else { return self }
    return NetworkDefinition(layers: Array(layers[..<next]), input: inputShape)
  }

  /// The shape of what the network reads.
  package var inputShape: BlobShape { shapes[.data]! }

  /// The layers that have weights, in order: `conv1` … `conv5`, `fc6`, `fc7`, `fc8`.
  package var parameterLayerNames: [String] { layers.filter(\.hasParameters).map(\.name) }

  /// Every activation that can be had, in the order of computation, `data` first.
  package var blobs: [BlobName] { [.data] + layers.map(\.output).filter(\.isVisible) }

  /// The last activation that is no probability: what there is to compute when nothing is asked for.
  package var lastActivation: BlobName {
    layers.last { !($0.kind is SoftmaxLayer) && $0.output.isVisible }?.output ?? .data
  }

  /// Some of its layers do no more than to scale channels.
  var scalesChannels: Bool { layers.contains { $0.kind.scalesChannels } }

  /// What is extracted when nothing is asked for: what the first inner product reads, and what the
  /// others do, once rectified; of AlexNets pool5, fc6 and fc7. Without inner products, the last
  /// activation.
  package var usualBlobs: [BlobName] {
    let read = layers.filter { $0.kind is InnerProductLayer }.map { source(of: $0.input) }
    let visible = read.filter { $0.isVisible && $0 != .data }
    return visible.isEmpty ? [lastActivation] : visible
  }

  /// The activations that `blob` is another name for, as that of dropout is; or itself.
  private func source(of blob: BlobName) -> BlobName {
    let identity = layers.first { $0.output == blob && $0.kind.isIdentity }
    return identity.map { source(of: $0.input) } ?? blob
  }

  package func contains(_ blob: BlobName) -> Bool { shapes[blob] != nil }

  /// - Precondition: the definition contains `blob`.
  package func shape(of blob: BlobName) -> BlobShape {
    guard let shape = shapes[blob] else { preconditionFailure("no blob \(blob) in this network") }
    return shape
  }
}

extension NetworkDefinition {
  /// One layer in its place: reads the activations `input`, makes the activations `output`.
  package struct Layer: Sendable, Equatable {
    /// Its name in the network: `conv1`, `relu1`, `pool1`, `norm1`, …, `fc8`, `prob`.
    package let name: String
    let kind: any LayerKind
    package let input: BlobName
    package let output: BlobName
    package let inputShape: BlobShape
    package let outputShape: BlobShape
    /// Its numbers, in the order in which files have them.
    let parameters: [ParameterShape]

    init(_ entry: Entry, input: BlobName, _ shape: BlobShape, output: BlobName) {
      (name, kind) = (entry.name, entry.kind)
      self.input = input
      self.output = output
      inputShape = shape
      outputShape = kind.outputShape(from: shape)
      parameters = kind.parameters(from: shape)
    }

    /// What Caffe calls its kind: `Convolution`.
    package var type: String { Swift.type(of: kind).caffe.name }
    /// The layer has weights.
    package var hasParameters: Bool { !parameters.isEmpty }
    /// `O × I/groups × KH × KW` for a convolution, `O × I` for an inner product; nil for a layer
    /// without weights.
    package var weightShape: [Int]? { parameters.first?.shape }
    /// Its numbers by the names that messages have for them: weights and biases.
    var parts: [(name: String, shape: ParameterShape)] {
      let names = ["weight": "weights", "bias": "biases"]
      return parameters.map { (names[$0.name] ?? $0.name, $0) }
    }
    var partNames: [String] { parts.map(\.name) }
    /// Weights of an output.
    var weightsPerOutput: Int { weightShape?.dropFirst().reduce(1, *) ?? 0 }
    /// `O`; empty for a layer without.
    package var biasShape: [Int] { parameters.first { $0.name == "bias" }?.shape ?? [] }
    package var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
    /// Multiplications with weights, of one image.
    package var multiplyAdds: Int { kind.multiplyAdds(from: inputShape) }

    /// The weights are a matrix, which files may repeat in panels: see `WeightPanels`.
    var hasWeightMatrix: Bool {
      kind is InnerProductLayer && inputShape.count % InnerProduct.depthStep == 0
    }

    /// What is asked of the layer, in one line: the same for the same arithmetic, whatever words a file
    /// has for it.
    var canonicalText: String {
      let settings = kind.caffeSettings.map { "\($0.name)=\($0.number)" }
      return ([name, type, "\(input)", "\(output)"] + settings).joined(separator: " ")
    }

    package static func == (a: Layer, b: Layer) -> Bool {
      a.name == b.name && AnyHashable(a.kind) == AnyHashable(b.kind)
        && (a.input, a.output) == (b.input, b.output)
        && (a.inputShape, a.outputShape) == (b.inputShape, b.outputShape)
    }
  }
}
