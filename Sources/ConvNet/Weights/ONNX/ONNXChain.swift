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
    "Sigmoid": "Sigmoid", "Tanh": "TanH",
  ]

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
      guard ["Conv", "Gemm"].contains(node.type) else { continue }
      let parts = node.inputs.dropFirst().filter { !$0.isEmpty }
      let found = parts.compactMap { tensors[$0] }
      guard found.count == parts.count, !found.isEmpty, found.allSatisfy({ $0.blob != nil }) else {
        throw refused("\(node.type) whose weights are no tensors of the file")
      }
      let stem = found[0].name.hasSuffix(".weight") ? String(found[0].name.dropLast(7)) : ""
      var name = stem.isEmpty ? "\(node.type) \(layers.count + 1)" : TorchNames.plain(stem)
      if !names.insert(name).inserted { name += " (\(layers.count + 1))" }
      layers.append(ModelFile.Layer(name: name, blobs: found.map { $0.blob! }))
    }
  }

  private func refused(_ found: String) -> ModelError {
    .unsupported(
      path: path, found: found,
      advice:
        "expected a chain of Conv, Gemm, Relu, MaxPool, AveragePool, LRN, Dropout, Softmax and "
        + "Flatten or Reshape")
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
    guard links.count <= layers.count || ["Conv", "Gemm"].contains(links[layers.count].type) else {
      throw wrong(layers.last!, "what follows", "nothing", links[layers.count].type)
    }
  }

  private func wrong(
    _ layer: NetworkDefinition.Layer, _ setting: String, _ expected: String, _ found: String
  ) -> ModelError {
    .wrongSetting(
      layer: layer.name, path: path, setting: setting, expected: expected, found: found)
  }

  /// What the network's layer has, and what the node amounts to: one text, or several that all fit.
  private static func settings(
    of definition: NetworkDefinition.Layer, _ node: ONNXModel.Node
  ) -> [(setting: String, expected: String, found: [String])] {
    let attributes = node.attributes
    func pair(_ name: String, _ usual: Int) -> String {
      let values = attributes[name]?.integers ?? [usual, usual]
      return values.map(String.init).joined(separator: "×")
    }
    func text(_ size: PlaneSize) -> String { "\(size.height)×\(size.width)" }
    func integer(_ name: String, _ usual: Int) -> [String] {
      ["\(attributes[name]?.integer ?? usual)"]
    }
    func float(_ name: String, _ usual: Float) -> [String] {
      ["\(attributes[name]?.float ?? usual)"]
    }
    let pads = attributes["pads"]?.integers ?? [0, 0, 0, 0]
    switch definition.kind {
    case let layer as ConvolutionLayer:
      let padding = [layer.padding.height, layer.padding.width]
      return [
        ("stride", text(layer.stride), [pair("strides", 1)]),
        ("dilation", text(layer.dilation), [pair("dilations", 1)]),
        ("groups", "\(layer.groups)", integer("group", 1)),
        ("padding", "\(padding + padding)", ["\(pads)"]),
      ]
    case let layer as PoolingLayer:
      guard let size = layer.kernelSize else {
        return [("kind", "GlobalAveragePool", [node.type])]
      }
      let padding = [layer.padding.height, layer.padding.width]
      // Sizes that are rounded up are also written as padding at the far edges: as much as the last windows
      // reach beyond, or one more than before the map.
      let far = [definition.farPadding(of: size, layer), padding.map { $0 + 1 }]
      let isPadded = pads != padding + padding && far.contains { pads == padding + $0 }
      let isUp = attributes["ceil_mode"]?.integer == 1 || isPadded
      var settings = [
        ("kind", layer.method == .max ? "MaxPool" : "AveragePool", [node.type]),
        ("kernel size", text(size), [pair("kernel_shape", 0)]),
        ("stride", text(layer.stride), [pair("strides", 1)]),
        ("padding", "\(padding + padding)", ["\(isPadded ? padding + padding : pads)"]),
      ]
      // Where sizes come out whole, both ways to round are one; the weights behind tell a difference.
      if isUp { settings.append(("rounding", layer.rounding == .up ? "up" : "down", ["up"])) }
      return settings
    case let layer as LocalResponseNormalizationLayer:
      return [
        ("local size", "\(layer.localSize)", integer("size", 0)),
        ("alpha", "\(layer.alpha)", float("alpha", 1e-4)),
        ("beta", "\(layer.beta)", float("beta", 0.75)), ("k", "\(layer.k)", float("bias", 1)),
      ]
    case is InnerProductLayer:
      return [
        ("transposed weights", "1", integer("transB", 0)),
        ("transposed inputs", "0", integer("transA", 0)), ("alpha", "1.0", float("alpha", 1)),
        ("beta", "1.0", float("beta", 1)),
      ]
    default: return []
    }
  }
}
