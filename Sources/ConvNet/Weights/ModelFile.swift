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
  /// The `Model.weightsSHA256` that panels were made of, in hexadecimal.
  var panelsDigest: String?

  struct Layer {
    let name: String
    /// Weights, then biases.
    let blobs: [Blob]
    /// Inner products' weights once more, as `WeightPanels`.
    var panels: StoredFloats?
  }

  struct Blob {
    /// As the file gives it; nil if it gives none. May contradict the count.
    let shape: [Int]?
    let floats: StoredFloats
  }

  /// The layers of AlexNet's names, checked for shape; the others are left aside.
  ///
  /// - Throws: `ModelError.missingLayer`, `missingBlob`, `wrongShape`, `wrongCount`.
  func parameters() throws(ModelError) -> [String: LayerParameters] {
    var parameters = [String: LayerParameters]()
    // Any architecture will do: they have the same weights.
    let definition = NetworkDefinition(.caffenet)
    for expected in definition.layers {
      guard let shape = expected.weightShape else { continue }
      guard let layer = layers.first(where: { $0.name == expected.name }) else { continue }
      let previous = NetworkDefinition.parameterLayerNames[parameters.count]
      guard previous == layer.name else {
        throw .missingLayer(previous, path: path, found: layers.map(\.name))
      }
      guard layer.blobs.count == 2 else {
        throw .missingBlob(layer: layer.name, path: path, found: layer.blobs.count)
      }
      try check(layer.blobs[0], layer.name, "weights", expected: shape)
      try check(layer.blobs[1], layer.name, "biases", expected: [shape[0]])
      parameters[layer.name] = LayerParameters(
        weights: layer.blobs[0].floats, biases: layer.blobs[1].floats,
        panels: expected.hasWeightMatrix ? layer.panels : nil)
    }
    guard !parameters.isEmpty else {
      throw .missingLayer(
        NetworkDefinition.parameterLayerNames[0], path: path, found: layers.map(\.name))
    }
    return parameters
  }

  /// Accepts `expected`, also with ones in front (old Caffe wrote four dimensions always) and, for an
  /// inner product, with the inputs' own dimensions spelled out (4096 × 256 × 6 × 6).
  private func check(
    _ blob: Blob, _ layer: String, _ part: String, expected: [Int]
  ) throws(ModelError) {
    let expectedCount = expected.reduce(1, *)
    var shape = blob.shape ?? (blob.floats.count == expectedCount ? expected : [blob.floats.count])
    while shape.count > expected.count, shape[0] == 1 { shape.removeFirst() }
    let isSpelledOut =
      expected.count == 2 && shape.first == expected[0]
      && shape.dropFirst().reduce(1, { $0 &* $1 }) == expected[1]
    guard shape == expected || isSpelledOut else {
      throw .wrongShape(layer: layer, part: part, path: path, expected: expected, found: shape)
    }
    guard blob.floats.count == expectedCount else {
      throw .wrongCount(
        layer: layer, part: part, path: path, expected: expectedCount, found: blob.floats.count)
    }
  }

  /// Decides in which order the layers run, and what to warn of.
  func architecture(
    given: Architecture?
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
    if let named = Architecture(networkName: networkName) { return (named, .networkName, []) }
    return (
      .caffenet, .shapes,
      [
        "nothing in \(path) tells whether pooling or normalization comes first; "
          + "assuming caffenet, as DeCAF; name the architecture to be sure"
      ]
    )
  }

  /// A warning for layers with weights that no architecture has.
  var warningOfOtherLayers: [String] {
    let others = layers.map(\.name).filter { !NetworkDefinition.parameterLayerNames.contains($0) }
    guard !others.isEmpty else { return [] }
    let names = others.prefix(12).joined(separator: ", ") + (others.count > 12 ? ", …" : "")
    return ["left aside \(others.count) layer(s) of \(path) that AlexNet does not have: \(names)"]
  }
}
