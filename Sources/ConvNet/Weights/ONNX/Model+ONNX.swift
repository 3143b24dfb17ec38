internal import Files
internal import Formats
internal import Tensors

extension Model {
  /// The network up to an activation as a chain of ONNX's nodes, each named for what it makes, its numbers
  /// by the layers' names: `features.0.weight`.
  ///
  /// - Throws: `ModelError.notInONNX` for a layer that ONNX's operators do not give as Caffe does;
  ///   `unreachableBlob`.
  package func onnxGraph(through blob: BlobName) throws(ModelError) -> ONNXGraph {
    try requireReachable(blob)
    let input = definition.inputShape
    var graph = ONNXGraph(
      name: architecture.rawValue,
      input: (BlobName.data.description, [input.channels, input.height, input.width]))
    guard blob != .data else { return graph }
    for layer in definition.layers {
      try append(layer, to: &graph)
      if layer.output == blob { break }
    }
    return graph
  }

  private func append(
    _ layer: NetworkDefinition.Layer, to graph: inout ONNXGraph
  ) throws(ModelError) {
    let output = layer.output.description
    var tensors = [String]()
    if layer.hasParameters, !(layer.kind.scalesChannels) {
      let stored = storedParameters(layer.name).blobs
      for (part, floats) in zip(layer.parameters, stored) {
        let name = "\(layer.name).\(part.name)"
        // A slope a channel goes along the plane.
        let isPlane = layer.kind is PReLULayer && !isRow(graph.last)
        let shape = part.shape + (isPlane ? [1, 1] : [])
        graph.addTensor(name, shape, .floats(floats))
        tensors.append(name)
      }
    }
    switch layer.kind {
    case let kind as ConvolutionLayer:
      graph.append(
        "Conv", output, tensors: tensors,
        [
          ("dilations", .integers(kind.dilation.both)), ("group", .integer(kind.groups)),
          ("kernel_shape", .integers(kind.kernelSize.both)),
          ("pads", .integers(kind.padding.both + kind.padding.both)),
          ("strides", .integers(kind.stride.both)),
        ])
    case is InnerProductLayer:
      if layer.inputShape.height * layer.inputShape.width > 1 || !isRow(graph.last) {
        graph.append("Flatten", "\(output)-row", [("axis", .integer(1))])
      }
      graph.append("Gemm", output, tensors: tensors, [("transB", .integer(1))])
    case let kind as PoolingLayer: try append(kind, of: layer, to: &graph)
    case let kind as ReLULayer:
      if kind.slope == 0 {
        graph.append("Relu", output)
      } else {
        graph.append("LeakyRelu", output, [("alpha", .float(kind.slope))])
      }
    case is PReLULayer: graph.append("PRelu", output, tensors: tensors)
    case is TanHLayer: graph.append("Tanh", output)
    case is SigmoidLayer: graph.append("Sigmoid", output)
    case let kind as LocalResponseNormalizationLayer:
      graph.append(
        "LRN", output,
        [
          ("size", .integer(kind.localSize)), ("alpha", .float(kind.alpha)),
          ("beta", .float(kind.beta)), ("bias", .float(kind.k)),
        ])
    case is FlattenLayer: graph.append("Flatten", output, [("axis", .integer(1))])
    case is DropoutLayer: graph.append("Identity", output)
    case is SoftmaxLayer: graph.append("Softmax", output, [("axis", .integer(1))])
    default:
      guard layer.kind.scalesChannels else {
        throw .notInONNX(layer: layer.name, problem: "a layer of type \(layer.type)")
      }
      append(layer.kind.scaling(storedParameters(layer.name)), of: layer, to: &graph)
    }
  }

  /// Whether the activation has no plane: it is a row as ONNX has it, too.
  private func isRow(_ name: String) -> Bool {
    definition.layers.contains { layer in
      layer.output.description == name
        && (layer.kind is InnerProductLayer || layer.kind is FlattenLayer
          || (!(layer.kind is ConvolutionLayer) && !(layer.kind is PoolingLayer)
            && isRow(layer.input.description)))
    }
  }

  /// Batch normalization and scaling: a factor a channel, and a number to add.
  private func append(
    _ scaling: ChannelScaling, of layer: NetworkDefinition.Layer, to graph: inout ONNXGraph
  ) {
    let shape = [layer.outputShape.channels] + (isRow(graph.last) ? [] : [1, 1])
    let output = layer.output.description
    for (name, numbers) in [("factor", scaling.factors), ("shift", scaling.shifts)] {
      graph.addTensor(
        "\(layer.name).\(name)", shape, .floats(StoredFloats(numbers.map { Float($0) })))
    }
    graph.append("Mul", "\(output)-scaled", tensors: ["\(layer.name).factor"])
    graph.append("Add", output, tensors: ["\(layer.name).shift"])
  }

  private func append(
    _ kind: PoolingLayer, of layer: NetworkDefinition.Layer, to graph: inout ONNXGraph
  ) throws(ModelError) {
    let output = layer.output.description
    guard let size = kind.kernelSize else {
      graph.append(kind.method == .max ? "GlobalMaxPool" : "GlobalAveragePool", output)
      return
    }
    // Readers differ in how they round up: what is missing at the far edges is written as padding there.
    let far = layer.farPadding(of: size, kind)
    guard kind.method == .max || (far == [0, 0] && kind.padding == 0) else {
      throw .notInONNX(
        layer: layer.name, problem: "a mean over windows that reach beyond the map's edge")
    }
    graph.append(
      kind.method == .max ? "MaxPool" : "AveragePool", output,
      [
        ("kernel_shape", .integers(size.both)), ("pads", .integers(kind.padding.both + far)),
        ("strides", .integers(kind.stride.both)),
      ])
  }
}

extension NetworkDefinition.Layer {
  /// Rows and columns that the last windows of a pooling layer reach beyond the map.
  func farPadding(of size: PlaneSize, _ kind: PoolingLayer) -> [Int] {
    let (input, made, stride) = (inputShape, outputShape, kind.stride)
    return [
      (made.height - 1) * stride.height + size.height - kind.padding.height - input.height,
      (made.width - 1) * stride.width + size.width - kind.padding.width - input.width,
    ].map { max(0, $0) }
  }
}

extension PlaneSize {
  fileprivate var both: [Int] { [height, width] }
}

extension ONNXFormat: WritableWeightFormat {
  /// All layers that the weights reach, probabilities too.
  static func write(_ model: Model, to path: String) throws(ModelError) {
    let last = model.reachableBlobs.last!
    var graph = try model.onnxGraph(through: last)
    graph.addOutput(last.description, model.definition.shape(of: last).dimensions)
    graph.note("architecture", model.architecture.rawValue)
    graph.note("weights SHA-256", model.weightsSHA256.hexadecimal)
    if let preprocess = model.preprocess { graph.note("preprocess", preprocess) }
    do throws(SystemError) { try graph.write(to: path) } catch { throw .cannotWrite(error) }
  }
}
