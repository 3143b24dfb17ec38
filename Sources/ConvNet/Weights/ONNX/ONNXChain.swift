internal import Tensors

/// The nodes of an ONNX model that compute something, each reading what the one before makes.
struct ONNXChain {
  let path: String
  /// Without nodes that hand on what they read.
  private(set) var links = [ONNXModel.Node]()
  /// Of nodes with weights, in order.
  private(set) var layers = [ModelFile.Layer]()
  /// What the first node reads: images, channels, height, width, where the model says; 0 for open sizes.
  private let inputShape: [Int]?

  /// Nodes that hand on what they read, or make constants and shapes.
  private static let identities: Set = [
    "Dropout", "Identity", "Flatten", "Reshape", "Constant", "Shape", "Cast", "Squeeze",
  ]
  private static let kinds = [
    "Conv": "Convolution", "Gemm": "InnerProduct", "Relu": "ReLU", "MaxPool": "Pooling",
    "AveragePool": "Pooling", "GlobalAveragePool": "Pooling", "LRN": "LRN", "Softmax": "Softmax",
    "Sigmoid": "Sigmoid", "Tanh": "TanH", "LeakyRelu": "ReLU", "PRelu": "PReLU",
    "GlobalMaxPool": "Pooling", "BatchNormalization": "BatchNorm", scaling: "Scale",
  ]
  /// The second link that batch normalization is: factor and shift, as Caffe has them.
  private static let scaling = "BatchNormalization's scale"
  /// Kinds of nodes that have weights.
  private static let weighted: Set = ["Conv", "Gemm", "PRelu", "BatchNormalization"]

  /// - Throws: `ModelError.unsupported` for other nodes, and for nodes that make no chain.
  init(_ model: ONNXModel, path: String) throws(ModelError) {
    self.path = path
    let tensors = Dictionary(
      model.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var current: String?
    var names = Set<String>()
    inputShape = model.nodes.lazy.filter { !["Constant", "Shape"].contains($0.type) }
      .compactMap(\.inputs.first).first.flatMap { model.inputShapes[$0] }
    for node in model.nodes {
      guard let output = node.outputs.first, let input = node.inputs.first else { continue }
      if node.type == "Constant" || node.type == "Shape" { continue }
      guard Self.identities.contains(node.type) || Self.kinds[node.type] != nil else {
        throw refused("a node of type \(node.type)")
      }
      guard current == nil || current == input else {
        throw refused(
          "a branch: \(node.type) reads '\(input)', the node before makes '\(current!)'")
      }
      current = output
      if Self.identities.contains(node.type) || Self.isPoolOfOne(node) { continue }
      links.append(node)
      guard Self.weighted.contains(node.type) else { continue }
      let parts = node.inputs.dropFirst().filter { !$0.isEmpty }
      let found = parts.compactMap { tensors[$0] }
      guard found.count == parts.count, !found.isEmpty, found.allSatisfy({ $0.blob != nil }) else {
        throw refused("\(node.type) whose weights are no tensors of the file")
      }
      let stem = found[0].name.hasSuffix(".weight") ? String(found[0].name.dropLast(7)) : ""
      var name = stem.isEmpty ? "\(node.type) \(layers.count + 1)" : TorchNames.plain(stem)
      if !names.insert(name).inserted { name += " (\(layers.count + 1))" }
      var layer = ModelFile.Layer(name: name, blobs: found.map { $0.blob! })
      if node.type == "PRelu" {
        // A slope a channel goes along the plane: C × 1 × 1.
        layer = ModelFile.Layer(
          name: name, blobs: layer.blobs.map { $0.shaped([$0.floats.count]) })
      } else if node.type == "BatchNormalization" {
        guard found.count == 4 else { throw refused("\(node.type) of \(found.count) tensors") }
        // Scale, shift, mean, variance; a layer's parts have another order.
        layer = ModelFile.Layer(
          name: name, blobs: [0, 2, 3, 1].map { layer.blobs[$0] }, isTorchNormalization: true)
        links.append(ONNXModel.Node(type: Self.scaling))
      }
      layers.append(layer)
    }
  }

  private func refused(_ found: String) -> ModelError {
    let kinds = Self.kinds.keys.filter { $0 != Self.scaling }.sorted().joined(separator: ", ")
    return .unsupported(
      path: path, found: found,
      advice: "expected a chain of \(kinds), Dropout and Flatten or Reshape")
  }

  /// What torch makes of adaptive pooling where there is nothing to pool.
  private static func isPoolOfOne(_ node: ONNXModel.Node) -> Bool {
    let size = node.attributes["kernel_shape"]?.integers ?? []
    return node.type == "AveragePool" && !size.isEmpty && size.allSatisfy { $0 == 1 }
      && (node.attributes["strides"]?.integers ?? []).allSatisfy { $0 == 1 }
      && (node.attributes["pads"]?.integers ?? []).allSatisfy { $0 == 0 }
  }

  /// Compares every node with the network's layer in its place.
  ///
  /// - Throws: `ModelError.wrongSetting`.
  ///
  /// - Parameter isOfAnySize: the input may have another size than the model says.
  func check(
    against definition: NetworkDefinition, isOfAnySize: Bool
  ) throws(ModelError) {
    let input = definition.inputShape
    let expected = [input.channels, input.height, input.width]
    if !isOfAnySize, let found = inputShape, found.count == 4,
      zip(found.dropFirst(), expected).contains(where: { $0 != 0 && $0 != $1 })
    {
      throw .wrongSetting(
        layer: "data", path: path, setting: "an input of", expected: ModelError.shape(expected),
        found: ModelError.shape(Array(found.dropFirst())))
    }
    let layers = definition.layers.filter { !$0.kind.isIdentity && !($0.kind is FlattenLayer) }
    for (number, layer) in layers.enumerated() {
      guard number < links.count else {
        // A model may end before its probabilities.
        if layer.kind is SoftmaxLayer { return }
        throw wrong(layer, "kind", layer.type, "the end of the chain")
      }
      let node = links[number]
      guard Self.kinds[node.type] == layer.type else {
        throw wrong(layer, "kind", layer.type, node.type)
      }
      for (setting, expected, found) in Self.settings(of: layer, node)
      where !found.contains(expected) {
        throw wrong(layer, setting, expected, found.joined(separator: " or "))
      }
    }
    // Behind the last layer that fits may come one of other weights, which is left aside.
    guard links.count <= layers.count || Self.weighted.contains(links[layers.count].type) else {
      throw wrong(layers.last!, "what follows", "nothing", links[layers.count].type)
    }
  }

  private func wrong(
    _ layer: NetworkDefinition.Layer, _ setting: String, _ expected: String, _ found: String
  ) -> ModelError {
    .wrongSetting(
      layer: layer.name, path: path, setting: setting, expected: expected, found: found)
  }
}
