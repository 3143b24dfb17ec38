internal import Tensors

/// What programs put around a network's names, and what PyTorch keeps otherwise than Caffe.
extension ModelFile {
  /// The same layers without what all names of a network in the file begin with (`encoder.`), where that is
  /// what makes them a network's; themselves where their names already are.
  ///
  /// - Parameter stated: the network, if it is known.
  /// - Throws: `ModelError.unsupported` where names begin in several ways: the file has several networks.
  func withoutPrefix(as stated: Architecture?) throws(ModelError) -> ModelFile {
    let firsts = (stated.map { [$0] } ?? Architecture.allCases).compactMap { network in
      network.definition.parameterLayerNames.first.map { (network, name: $0) }
    }
    guard !firsts.contains(where: { first in layers.contains { $0.name == first.name } }) else {
      return self
    }
    var found = [String: ModelFile]()
    for (network, first) in firsts {
      for layer in layers where layer.name.hasSuffix("." + first) {
        let prefix = String(layer.name.dropLast(first.count))
        let file = dropping(prefix)
        if file.isBeginning(of: network.definition) { found[prefix] = file }
      }
    }
    guard found.count <= 1 else {
      throw .unsupported(
        path: path,
        found:
          "several networks, whose names begin with \(found.keys.sorted().joined(separator: ", "))",
        advice: "save the one that is wanted alone, as torch.save(model.state_dict(), FILE) does")
    }
    return found.values.first ?? self
  }

  /// - Parameter prefix: ends in a dot.
  private func dropping(_ prefix: String) -> ModelFile {
    var file = self
    file.layers = layers.map { layer in
      layer.name.hasPrefix(prefix) ? layer.named(String(layer.name.dropFirst(prefix.count))) : layer
    }
    file.notes.append("names of layers in \(path) are read without “\(prefix)”")
    return file
  }

  /// The file's layers as the definition has them: PyTorch's BatchNorm, which has factor and shift, as
  /// Caffe's BatchNorm and the Scale layer behind it. PyTorch keeps means and variances themselves,
  /// Caffe sums and what to divide them by: 1.
  func layers(for definition: NetworkDefinition) -> [Layer] {
    var layers = layers
    for (number, expected) in definition.layers.enumerated() {
      let next = definition.layers[(number + 1)...].first
      guard expected.kind is BatchNormLayer,
        let place = layers.firstIndex(where: {
          $0.name == expected.name && $0.isTorchNormalization
        })
      else { continue }
      var parts = layers[place].takenApart
      if parts.count == 2 {
        guard let next, (next.kind as? ScaleLayer)?.hasShift == true,
          !layers.contains(where: { $0.name == next.name })
        else { continue }
        parts[1] = parts[1].named(next.name)
      }
      layers.replaceSubrange(place...place, with: parts)
    }
    return layers
  }
}

extension ModelFile.Blob {
  func shaped(_ shape: [Int]) -> ModelFile.Blob { ModelFile.Blob(shape: shape, floats: floats) }
}

extension ModelFile.Layer {
  /// A layer of numbers by their names in files.
  init(
    name: String, parts: [String: ModelFile.Blob], panels: StoredFloats? = nil,
    integers: [String] = []
  ) {
    self.init(
      name: name, blobs: LayerKinds.parameterNames.compactMap { parts[$0] }, panels: panels,
      isTorchNormalization: parts["running_mean"] != nil && parts["running_var"] != nil
        && parts["scale_factor"] == nil,
      integers: integers)
  }

  /// PyTorch's BatchNorm as Caffe's and, where it has factor and shift, the Scale layer behind it; other
  /// layers as they are.
  var takenApart: [ModelFile.Layer] {
    guard isTorchNormalization else { return [self] }
    let one = ModelFile.Blob(shape: [1], floats: StoredFloats([1]))
    switch blobs.count {
    case 2: return [ModelFile.Layer(name: name, blobs: blobs + [one])]
    case 4:
      return [
        ModelFile.Layer(name: name, blobs: [blobs[1], blobs[2], one]),
        ModelFile.Layer(name: "\(name), scale", blobs: [blobs[0], blobs[3]]),
      ]
    default: return [self]
    }
  }

  func named(_ name: String) -> ModelFile.Layer {
    ModelFile.Layer(
      name: name, blobs: blobs, panels: panels, isTorchNormalization: isTorchNormalization,
      integers: integers)
  }
}
