/// A network's layers in the order they run, with the shape of every activation on the way.
///
/// A network is a chain: every layer reads what the one before it makes. Layers that do nothing at
/// test time are left out.
package struct NetworkDefinition: Sendable, Equatable {
  package let layers: [Layer]
  private let shapes: [BlobName: BlobShape]

  /// A layer's name and what it computes, as a network's list has them.
  typealias Entry = (name: String, kind: any LayerKind)

  /// The shape of what the architectures read: 3 × 227 × 227 (B, G, R).
  package static let inputShape = BlobShape(3, 227, 227)

  /// The layers of `architecture` as far as the weights of `lastParameterLayer` carry: up to the next
  /// layer that has weights of its own.
  ///
  /// - Parameter lastParameterLayer: one of `parameterLayerNames`; nil for the whole network.
  package init(_ architecture: Architecture, through lastParameterLayer: String? = nil) {
    self.init(
      input: Self.inputShape, layers: architecture.layers, through: lastParameterLayer)
  }

  /// Chains the layers of a list, and carries the shape along.
  ///
  /// - Parameters:
  ///   - input: the shape of `data`.
  ///   - lastParameterLayer: as above.
  /// - Precondition: a ReLU comes behind another layer, and not behind a ReLU.
  init(input: BlobShape, layers list: [Entry], through lastParameterLayer: String? = nil) {
    let entries = list.filter { !$0.kind.isIdentity }
    var layers = [Layer]()
    var (blob, shape) = (BlobName.data, input)
    for (i, entry) in entries.enumerated() {
      let isReLU = entry.kind.isReLU
      let isRectified = i + 1 < entries.count && entries[i + 1].kind.isReLU
      precondition(
        !isReLU || (blob.isPreactivation && !isRectified), "\(entry.name): a ReLU of what?")
      // Caffe's ReLU works in place: its result has the name of the layer before, whose own result is
      // to be had as `:pre`.
      let output = BlobName(isReLU ? blob.name : entry.name, isPreactivation: isRectified)
      let layer = Layer(entry, input: blob, shape, output: output)
      layers.append(layer)
      (blob, shape) = (output, layer.outputShape)
    }
    if let last = layers.firstIndex(where: { $0.name == lastParameterLayer }),
      let next = layers[(last + 1)...].firstIndex(where: \.hasParameters)
    {
      layers.removeSubrange(next...)
    }
    self.layers = layers
    shapes = layers.reduce(into: [.data: input]) { $0[$1.output] = $1.outputShape }
  }

  /// The layers that have weights, in order: `conv1` … `conv5`, `fc6`, `fc7`, `fc8`.
  package static let parameterLayerNames: [String] =
    NetworkDefinition(.caffenet).layers.filter(\.hasParameters).map(\.name)

  /// Every activation there is, in the order of computation, `data` first.
  package var blobs: [BlobName] { [.data] + layers.map(\.output) }

  /// The last activation that is no probability: what there is to compute when nothing is asked for.
  package var lastActivation: BlobName {
    layers.last { !($0.kind is SoftmaxLayer) }?.output ?? .data
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
    /// Caffe's name of the layer: `conv1`, `relu1`, `pool1`, `norm1`, …, `fc8`, `prob`.
    package let name: String
    let kind: any LayerKind
    package let input: BlobName
    package let output: BlobName
    package let inputShape: BlobShape
    package let outputShape: BlobShape
    /// `O × I/groups × KH × KW` for a convolution, `O × I` for an inner product; nil for a layer
    /// without weights. Biases are `O` values.
    package let weightShape: [Int]?

    init(_ entry: Entry, input: BlobName, _ shape: BlobShape, output: BlobName) {
      (name, kind) = entry
      self.input = input
      self.output = output
      inputShape = shape
      outputShape = kind.outputShape(from: shape)
      weightShape = kind.weightShape(from: shape)
    }

    /// The layer has weights and biases.
    package var hasParameters: Bool { weightShape != nil }

    /// The weights are a matrix, which files may repeat in panels: see `WeightPanels`.
    var hasWeightMatrix: Bool { weightShape?.count == 2 }

    package static func == (a: Layer, b: Layer) -> Bool {
      a.name == b.name && AnyHashable(a.kind) == AnyHashable(b.kind)
        && (a.input, a.output) == (b.input, b.output)
        && (a.inputShape, a.outputShape) == (b.inputShape, b.outputShape)
    }
  }
}
