internal import Files
internal import Tensors

/// What a file of weights says, whatever its format: layers by name, numbers still in the file.
struct ModelFile {
  let path: String
  /// The network's own name, or empty.
  var networkName = ""
  /// Layers that have numbers, in the file's order.
  var layers = [Layer]()
  /// Told by the order of the file's pooling and normalization layers.
  var layerOrder: Architecture?
  /// Told by the file's metadata.
  var metadataArchitecture: Architecture?
  var isUntrained = false
  /// The input transform that such weights go with, where it is not the network's own.
  var preprocess: String?
  /// The transform itself, where the file describes it.
  var transform: InputTransform?
  /// What else the user should know.
  var notes = [String]()
  /// How the weights were trained, if that was done here.
  var training: String?
  /// The layers are in the network's order, and their names may be anything.
  var isInOrder = false
  /// The `Model.weightsSHA256` that panels were made of, in hexadecimal.
  var panelsDigest: String?

  struct Layer {
    let name: String
    /// In the order of `LayerKind.parameters`: weights, then biases.
    let blobs: [Blob]
    /// Inner products' weights once more, as `WeightPanels`.
    var panels: StoredFloats?
    /// What PyTorch calls BatchNorm: with factor and shift, or without, and no divisor.
    var isTorchNormalization = false
    /// Full names of numbers of the layer that are integers.
    var integers = [String]()
  }

  struct Blob {
    /// As the file gives it; nil if it gives none. May contradict the count.
    let shape: [Int]?
    let floats: StoredFloats
    /// Where the numbers are, when the last axis is that of the outputs, as TensorFlow has it: height ×
    /// width × inputs × outputs, or inputs × outputs.
    var outputsLast: (file: MappedFile, numbers: StridedNumbers)?
  }

  /// The network that comes with decaf whose first layers with weights are the file's, by name and
  /// shape; `caffenet` when there is none, which then says what is missing.
  ///
  /// - Parameter agrees: whether what else the file says of its layers is of the network.
  /// - Throws: `ModelError.ambiguous` where several fit, and neither the network's name nor the layers'
  ///   settings tell which.
  func fittingArchitecture(
    agreeing agrees: (Architecture) -> Bool = { _ in true }
  ) throws(ModelError) -> Architecture {
    let fitting = Architecture.allCases.filter { isBeginning(of: $0.definition) }
    let most = fitting.map { reached(of: $0.definition) }.max()
    let best = fitting.filter { reached(of: $0.definition) == most }
    guard let first = best.first else { return nearestByName }
    if best.count == 1 || first.hasTwoOrders { return first }
    let name = networkName.lowercased()
    let named = best.filter { name.contains($0.rawValue) }
    if named.count == 1 { return named[0] }
    let agreeing = best.filter(agrees)
    guard agreeing.count == 1 else {
      throw .ambiguous(path: path, networks: best.map(\.rawValue))
    }
    return agreeing[0]
  }

  /// The network's layers as far as the file has numbers for them.
  func reachedDefinition(of architecture: Architecture) -> NetworkDefinition {
    let names = architecture.definition.parameterLayerNames
    let count = reached(of: architecture.definition)
    return NetworkDefinition(architecture, through: count > 0 ? names[count - 1] : nil)
  }

  /// The same layers, where the file's own names say nothing, under the names of the network whose
  /// layers have their shapes, one after the other.
  ///
  /// - Parameter stated: the network, if it is known.
  /// - Throws: `ModelError.ambiguous` where several with names of their own fit.
  func namedByOrder(as stated: Architecture?) throws(ModelError) -> ModelFile {
    let layers = layers.flatMap(\.takenApart)
    let candidates = stated.map { [$0] } ?? Architecture.allCases
    let names = Set(layers.map(\.name))
    guard isInOrder,
      !candidates.contains(where: { !names.isDisjoint(with: $0.definition.parameterLayerNames) })
    else { return self }
    var files = [[String]: (file: ModelFile, networks: [String])]()
    for candidate in candidates {
      let wanted = candidate.definition.parameterLayerNames
      var file = self
      file.layers = layers.enumerated().map { number, layer in
        ModelFile.Layer(
          name: number < wanted.count ? wanted[number] : layer.name, blobs: layer.blobs)
      }
      let isWhole = layers.count <= wanted.count && file.isBeginning(of: candidate.definition)
      if stated != nil { return file }
      if isWhole {
        files[file.layers.map(\.name), default: (file, [])].networks.append(candidate.rawValue)
      }
    }
    guard files.count <= 1 else {
      throw .ambiguous(path: path, networks: files.values.flatMap(\.networks).sorted())
    }
    return files.values.first?.file ?? self
  }

  /// A network that was recognised by its layers has most of the file's: of another one the first may be
  /// the same.
  ///
  /// - Throws: `ModelError.missingLayer`.
  func requireMost(of architecture: Architecture) throws(ModelError) {
    let (names, reached) = (
      architecture.definition.parameterLayerNames, reached(of: architecture.definition)
    )
    let others = layers(for: architecture.definition).count { !names.contains($0.name) }
    guard reached == names.count || others <= reached else {
      throw .missingLayer(names[reached], path: path, found: layers.map(\.name), expected: names)
    }
  }

  /// The network to compare with when none fits: with two or more names in common, it is the one of
  /// which the user is to know what differs.
  private var nearestByName: Architecture {
    let names = Set(layers.map(\.name))
    func shared(_ network: Architecture) -> Int {
      network.definition.parameterLayerNames.count { names.contains($0) }
    }
    let most = Architecture.allCases.map(shared).max() ?? 0
    return most < 2 ? .caffenet : Architecture.allCases.first { shared($0) == most }!
  }

  /// Layers of the network that the file has numbers for.
  func reached(of definition: NetworkDefinition) -> Int {
    let layers = layers(for: definition)
    return definition.parameterLayerNames.prefix { name in layers.contains { $0.name == name } }
      .count
  }

  func isBeginning(of definition: NetworkDefinition) -> Bool {
    let layers = layers(for: definition)
    let expected = definition.layers.filter(\.hasParameters).prefix(reached(of: definition))
    return !expected.isEmpty
      && expected.allSatisfy { layer in
        let blobs = layers.first { $0.name == layer.name }!.blobs.map { $0.turned(for: layer) }
        return blobs.count == layer.parameters.count
          && zip(blobs, layer.parameters).allSatisfy { $0.hasShape($1.shape) }
      }
  }

  /// The numbers of the network's layers, checked for shape; other layers are left aside.
  ///
  /// - Throws: `ModelError.missingLayer`, `missingBlob`, `wrongShape`, `wrongCount`.
  func parameters(
    of definition: NetworkDefinition
  ) throws(ModelError) -> [String: LayerParameters] {
    var parameters = [String: LayerParameters]()
    let (names, layers) = (definition.parameterLayerNames, layers(for: definition))
    for expected in definition.layers where expected.hasParameters {
      guard let layer = layers.first(where: { $0.name == expected.name }) else { continue }
      let previous = names[parameters.count]
      guard previous == layer.name else {
        throw .missingLayer(previous, path: path, found: layers.map(\.name), expected: names)
      }
      guard layer.blobs.count == expected.parameters.count else {
        if let integer = layer.integers.first {
          throw .unsupported(
            path: path, found: "\(integer) as integers",
            advice:
              "expected floating-point numbers; of a quantized network save the dequantized ones"
          )
        }
        throw .missingBlob(
          layer: layer.name, path: path, expected: expected.partNames, found: layer.blobs.count)
      }
      let blobs = layer.blobs.map { $0.turned(for: expected) }
      for (blob, part) in zip(blobs, expected.parts) {
        try check(blob, layer.name, part.name, expected: part.shape.shape)
      }
      parameters[layer.name] = LayerParameters(
        blobs.map(\.floats), panels: expected.hasWeightMatrix ? layer.panels : nil)
    }
    guard !parameters.isEmpty else {
      throw .missingLayer(
        names.first ?? "any layer", path: path, found: layers.map(\.name), expected: names)
    }
    return parameters
  }

  private func check(
    _ blob: Blob, _ layer: String, _ part: String, expected: [Int]
  ) throws(ModelError) {
    guard blob.hasShape(expected) else {
      throw .wrongShape(
        layer: layer, part: part, path: path, expected: expected,
        found: blob.shape(expecting: expected))
    }
    let expectedCount = expected.reduce(1, *)
    guard blob.floats.count == expectedCount else {
      throw .wrongCount(
        layer: layer, part: part, path: path, expected: expectedCount, found: blob.floats.count)
    }
  }

  /// Decides in which order the layers run, and what to warn of.
  ///
  /// - Parameter fitting: the network whose names and shapes the weights have.
  func architecture(
    given: Architecture?, fitting: Architecture
  ) -> (architecture: Architecture, source: Model.ArchitectureSource, warnings: [String]) {
    let stated = layerOrder ?? metadataArchitecture
    if let given {
      guard let stated, stated != given else { return (given, .given, []) }
      let origin = layerOrder == nil ? "its metadata says" : "its own layers are in the order of"
      return (
        given, .given, ["\(path) is read as \(given.rawValue), but \(origin) \(stated.rawValue)"]
      )
    }
    if let layerOrder { return (layerOrder, .layerOrder, []) }
    if let metadataArchitecture { return (metadataArchitecture, .metadata, []) }
    guard fitting.hasTwoOrders else { return (fitting, .shapes, []) }
    if let named = Architecture(networkName: networkName) { return (named, .networkName, []) }
    return (
      .caffenet, .shapes,
      [
        "nothing in \(path) tells whether pooling or normalization comes first; "
          + "assuming caffenet, as DeCAF; name the architecture to be sure"
      ]
    )
  }

  /// A warning for layers with weights that the network does not have.
  func warningOfOtherLayers(than architecture: Architecture) -> [String] {
    let known = Set(architecture.definition.parameterLayerNames)
    let others = layers(for: architecture.definition).map(\.name).filter { !known.contains($0) }
    guard !others.isEmpty else { return [] }
    let names = others.prefix(12).joined(separator: ", ") + (others.count > 12 ? ", …" : "")
    let network = architecture.hasTwoOrders ? "AlexNet" : architecture.rawValue
    return [
      "left aside \(others.count) layer(s) of \(path) that \(network) does not have: \(names)"
    ]
  }
}

extension ModelFile.Blob {
  /// The same numbers with the outputs' axis first.
  ///
  /// An inner product that reads a plane does so channel by channel here, pixel by pixel there.
  func turned(for layer: NetworkDefinition.Layer) -> ModelFile.Blob {
    guard let (file, numbers) = outputsLast else { return self }
    let (shape, strides) = (numbers.shape, numbers.strides)
    let turned: StridedNumbers
    let input = layer.inputShape
    if shape.count == 4 {
      let order = [3, 2, 0, 1]
      turned = StridedNumbers(
        numbers.element, offset: numbers.offset, shape: order.map { shape[$0] },
        strides: order.map { strides[$0] })
    } else if shape.count == 2, shape[0] == input.count {
      turned = StridedNumbers(
        numbers.element, offset: numbers.offset,
        shape: [shape[1], input.channels, input.height * input.width],
        strides: [strides[1], strides[0], strides[0] * input.channels])
    } else {
      return self
    }
    return ModelFile.Blob(shape: turned.shape, floats: StoredFloats(file, turned))
  }

  /// Its shape as one of `expected`: without ones in front, which old Caffe wrote to have four
  /// dimensions always.
  func shape(expecting expected: [Int]) -> [Int] {
    let expectedCount = expected.reduce(1, *)
    var shape = shape ?? (floats.count == expectedCount ? expected : [floats.count])
    while shape.count > expected.count, shape[0] == 1 { shape.removeFirst() }
    return shape
  }

  /// It has the shape `expected`, or, of an inner product's matrix, one with the inputs' own dimensions
  /// spelled out (4096 × 256 × 6 × 6).
  func hasShape(_ expected: [Int]) -> Bool {
    let shape = shape(expecting: expected)
    let isSpelledOut =
      expected.count == 2 && shape.first == expected[0]
      && shape.dropFirst().reduce(1, { $0 &* $1 }) == expected[1]
    return shape == expected || isSpelledOut
  }
}
