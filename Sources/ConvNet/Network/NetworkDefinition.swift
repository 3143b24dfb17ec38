/// The size of one image's activations: channels × height × width; 1 × 1 after an inner product.
package struct BlobShape: Hashable, Sendable {
  package let channels: Int
  package let height: Int
  package let width: Int

  package init(_ channels: Int, _ height: Int = 1, _ width: Int = 1) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  /// Values in one image's activations.
  package var count: Int { channels * height * width }

  /// `[C, H, W]`, or `[C]` where the activations have no plane.
  package var dimensions: [Int] {
    height == 1 && width == 1 ? [channels] : [channels, height, width]
  }
}

/// A network's layers in the order they run, with the shape of every activation on the way.
///
/// Dropout layers are left out: they do nothing at test time.
package struct NetworkDefinition: Sendable, Equatable {
  package let architecture: Architecture
  package let layers: [Layer]
  private let shapes: [BlobName: BlobShape]

  /// One step: reads the activations `input`, makes the activations `output`.
  package struct Layer: Sendable, Equatable {
    /// Caffe's name of the layer: `conv1`, `relu1`, `pool1`, `norm1`, …, `fc8`, `prob`.
    package let name: String
    package let kind: Kind
    package let input: BlobName
    /// Where Caffe's ReLU works in place, the layer before it makes the `:pre` blob here.
    package let output: BlobName
  }

  package enum Kind: Sendable, Equatable {
    case convolution(Convolution)
    case relu
    /// Size rounded up, windows clipped at the edge.
    case maxPooling(kernelSize: Int, stride: Int)
    /// `a / (k + alpha / localSize · Σ a²)^beta`, the sum over `localSize` channels.
    case localResponseNormalization(localSize: Int, alpha: Float, beta: Float, k: Float)
    case innerProduct(outputs: Int)
    case softmax
  }

  /// Weights are `outputs × inputs/groups × kernelSize × kernelSize`.
  package struct Convolution: Sendable, Equatable {
    package let outputs: Int
    package let kernelSize: Int
    package let stride: Int
    package let padding: Int
    package let groups: Int
  }

  /// The input's shape: 3 × 227 × 227 (B, G, R).
  package static let inputShape = BlobShape(3, 227, 227)

  /// The layers of `architecture` as far as the weights of `lastParameterLayer` carry: up to the next
  /// layer that has weights of its own.
  ///
  /// - Parameter lastParameterLayer: one of `parameterLayerNames`; nil for the whole network.
  package init(_ architecture: Architecture, through lastParameterLayer: String? = nil) {
    var builder = Builder(stop: lastParameterLayer)
    let stages: (_ index: Int) -> [String] = { index in
      architecture == .caffenet
        ? ["pool\(index)", "norm\(index)"] : ["norm\(index)", "pool\(index)"]
    }
    builder.convolution(1, outputs: 96, kernelSize: 11, stride: 4, padding: 0, groups: 1)
    builder.poolAndNormalize(stages(1))
    builder.convolution(2, outputs: 256, kernelSize: 5, stride: 1, padding: 2, groups: 2)
    builder.poolAndNormalize(stages(2))
    builder.convolution(3, outputs: 384, kernelSize: 3, stride: 1, padding: 1, groups: 1)
    builder.convolution(4, outputs: 384, kernelSize: 3, stride: 1, padding: 1, groups: 2)
    builder.convolution(5, outputs: 256, kernelSize: 3, stride: 1, padding: 1, groups: 2)
    builder.poolAndNormalize(["pool5"])
    builder.innerProduct(6, outputs: 4096, rectified: true)
    builder.innerProduct(7, outputs: 4096, rectified: true)
    builder.innerProduct(8, outputs: 1000, rectified: false)
    builder.append("prob", .softmax)
    self.architecture = architecture
    layers = builder.layers
    shapes = builder.shapes
  }

  /// The layers that have weights, in order: `conv1` … `conv5`, `fc6`, `fc7`, `fc8`.
  package static let parameterLayerNames: [String] =
    NetworkDefinition(.caffenet).layers.filter { $0.hasParameters }.map(\.name)

  /// Every activation there is, in the order of computation, `data` first.
  package var blobs: [BlobName] { [.data] + layers.map(\.output) }

  package func contains(_ blob: BlobName) -> Bool { shapes[blob] != nil }

  /// - Precondition: the definition contains `blob`.
  package func shape(of blob: BlobName) -> BlobShape {
    guard let shape = shapes[blob] else { preconditionFailure("no blob \(blob) in this network") }
    return shape
  }

  /// `O × I/groups × KH × KW` for a convolution, `O × I` for an inner product; nil for a layer
  /// without weights. Biases are `O` values.
  package func weightShape(of layer: Layer) -> [Int]? {
    let inputs = shape(of: layer.input)
    switch layer.kind {
    case .convolution(let it):
      return [it.outputs, inputs.channels / it.groups, it.kernelSize, it.kernelSize]
    case .innerProduct(let outputs):
      return [outputs, inputs.count]
    case .relu, .maxPooling, .localResponseNormalization, .softmax:
      return nil
    }
  }
}

extension NetworkDefinition.Layer {
  /// The layer has weights and biases.
  package var hasParameters: Bool {
    switch kind {
    case .convolution, .innerProduct: true
    case .relu, .maxPooling, .localResponseNormalization, .softmax: false
    }
  }
}

extension NetworkDefinition {
  /// Adds layers one after the other and carries the shape along; ignores all that comes after the
  /// layer to stop at and the layers without weights behind it.
  private struct Builder {
    let stop: String?
    private(set) var layers = [Layer]()
    private(set) var shapes = [BlobName.data: NetworkDefinition.inputShape]
    private var current = BlobName.data
    private var isComplete = false

    init(stop: String?) { self.stop = stop }

    mutating func convolution(
      _ index: Int, outputs: Int, kernelSize: Int, stride: Int, padding: Int, groups: Int
    ) {
      let kind = Kind.convolution(
        Convolution(
          outputs: outputs, kernelSize: kernelSize, stride: stride, padding: padding,
          groups: groups))
      append("conv\(index)", kind, rectifiedBy: "relu\(index)")
    }

    mutating func innerProduct(_ index: Int, outputs: Int, rectified: Bool) {
      append(
        "fc\(index)", .innerProduct(outputs: outputs), rectifiedBy: rectified ? "relu\(index)" : nil
      )
    }

    mutating func poolAndNormalize(_ names: [String]) {
      for name in names {
        append(
          name,
          name.hasPrefix("pool")
            ? .maxPooling(kernelSize: 3, stride: 2)
            : .localResponseNormalization(localSize: 5, alpha: 1e-4, beta: 0.75, k: 1))
      }
    }

    mutating func append(_ name: String, _ kind: Kind, rectifiedBy relu: String? = nil) {
      let output = BlobName(name, isPreactivation: relu != nil)
      let layer = Layer(name: name, kind: kind, input: current, output: output)
      if layers.last(where: \.hasParameters)?.name == stop, stop != nil, layer.hasParameters {
        isComplete = true
      }
      if isComplete { return }
      layers.append(layer)
      shapes[output] = outputShape(of: kind, from: shapes[current]!)
      current = output
      if let relu {
        let rectified = BlobName(name)
        layers.append(Layer(name: relu, kind: .relu, input: current, output: rectified))
        shapes[rectified] = shapes[current]
        current = rectified
      }
    }

    private func outputShape(of kind: Kind, from input: BlobShape) -> BlobShape {
      switch kind {
      case .convolution(let it):
        let side = { (size: Int) in (size + 2 * it.padding - it.kernelSize) / it.stride + 1 }
        return BlobShape(it.outputs, side(input.height), side(input.width))
      case .maxPooling(let kernelSize, let stride):
        let side = { (size: Int) in (size - kernelSize + stride - 1) / stride + 1 }
        return BlobShape(input.channels, side(input.height), side(input.width))
      case .innerProduct(let outputs):
        return BlobShape(outputs)
      case .relu, .localResponseNormalization, .softmax:
        return input
      }
    }
  }
}
