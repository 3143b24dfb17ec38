import Files
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

  /// `.weight` and `.bias` of each layer, in order, and `.panels` of inner products; metadata that
  /// `open` understands.
  private func writeSafetensors(to path: String) throws(SystemError) {
    var metadata = ["format": "decaf-model", "architecture": architecture.rawValue]
    if !name.isEmpty { metadata["name"] = name }
    if isUntrained { metadata["trained"] = "false" }
    var tensors = [(name: String, shape: [Int])]()
    for layer in definition.layers {
      guard let shape = layer.weightShape else { continue }
      tensors.append((layer.name + ".weight", shape))
      // Before the biases: 1000 of them would move what follows off the cache lines.
      if let panels = panels(of: layer) {
        tensors.append((layer.name + ".panels", panels.shape))
        metadata["panels-of"] = weightsSHA256.hexadecimal
      }
      tensors.append((layer.name + ".bias", [shape[0]]))
    }
    let writer = try SafetensorsWriter(path, metadata: metadata, tensors: tensors)
    let append = { (piece: Span<Float>) throws(SystemError) in try writer.append(piece) }
    for layer in definition.layers where layer.hasParameters {
      let stored = storedParameters(layer.name)
      try stored.weights.forEachPiece(append)
      if let panels = panels(of: layer) {
        for panel in 0..<panels.count { try panels.forEachPiece(of: panel, append) }
      }
      try stored.biases.forEachPiece(append)
    }
    try writer.finish()
  }

  /// The weights of an inner product as panels; nil for other layers.
  private func panels(of layer: NetworkDefinition.Layer) -> WeightPanels? {
    guard layer.hasWeightMatrix, let outputs = layer.weightShape?[0] else { return nil }
    return WeightPanels(of: storedParameters(layer.name).weights, outputs: outputs)
  }
}
