import Tensors

extension Model {
  /// Writes the weights to `path`: by its ending as `.safetensors`, decaf's own format, or as
  /// `.caffemodel`.
  ///
  /// The file appears when it is complete; until then whatever was at `path` stays. The same model
  /// gives the same bytes.
  ///
  /// - Throws: `ModelError.unknownFormat` or `cannotWrite`.
  package func write(to path: String) throws(ModelError) {
    let isSafetensors = path.hasSuffix(".safetensors")
    guard isSafetensors || path.hasSuffix(".caffemodel") else { throw .unknownFormat(path: path) }
    do throws(SystemError) {
      try isSafetensors ? writeSafetensors(to: path) : CaffeModelWriter.write(self, to: path)
    } catch { throw .cannotWrite(error) }
  }

  /// `.weight` and `.bias` of each layer, in order; metadata that `open` understands.
  private func writeSafetensors(to path: String) throws(SystemError) {
    var metadata = ["format": "decaf-model", "architecture": architecture.rawValue]
    if !name.isEmpty { metadata["name"] = name }
    if isUntrained { metadata["trained"] = "false" }
    var tensors = [(name: String, shape: [Int])]()
    var sources = [StoredFloats]()
    for layer in definition.layers {
      guard let shape = definition.weightShape(of: layer) else { continue }
      let stored = storedParameters(layer.name)
      tensors += [(layer.name + ".weight", shape), (layer.name + ".bias", [shape[0]])]
      sources += [stored.weights, stored.biases]
    }
    let writer = try SafetensorsWriter(path, metadata: metadata, tensors: tensors)
    for source in sources {
      try source.forEachPiece { (piece) throws(SystemError) in try writer.append(piece) }
    }
    try writer.finish()
  }
}
