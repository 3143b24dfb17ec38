internal import Files
internal import Formats
internal import Tensors

/// Dictionaries of NumPy arrays, `.npz` or `.npy`: filters as Caffe and PyTorch have them (outputs ×
/// inputs × height × width) or as TensorFlow does (height × width × inputs × outputs), the latter as
/// caffe-tensorflow converted Caffe's networks.
///
/// A layer is `NAME.weight` and `NAME.bias`, also `weights` and `biases` or `W` and `b`, behind a dot, a
/// slash or `_`; or a dictionary of these; or a list of weights and biases.
struct NumPyFormat: WeightFormat {
  static let pathExtension = "npz"

  let contents: ModelFile

  static func recognizes(_ file: MappedFile) -> Bool {
    NumPyDictionary.isArchive(file) || NumPyDictionary.isArray(file)
  }

  /// - Throws: `ModelError.format`.
  init(_ file: MappedFile) throws(ModelError) {
    let arrays: [NumPyDictionary.Array]
    do throws(FormatError) { arrays = try NumPyDictionary(file).arrays } catch {
      throw .format(error)
    }
    var names = [String]()
    var parts = [String: [String: NumPyDictionary.Array]]()
    for array in arrays {
      guard let (name, part) = Self.place(of: array.keys) else { continue }
      if parts[name] == nil { names.append(name) }
      parts[name, default: [:]][part] = array
    }
    let isOutputsLast = Self.isOutputsLast(parts.values)
    var contents = ModelFile(path: file.path)
    contents.layers = names.map { name in
      ModelFile.Layer(
        name: name,
        parts: parts[name]!.mapValues { array in
          let (file, numbers) = (array.file, array.numbers)
          var blob = ModelFile.Blob(shape: numbers.shape, floats: StoredFloats(file, numbers))
          if isOutputsLast, numbers.shape.count > 1 { blob.outputsLast = (file, numbers) }
          return blob
        })
    }
    self.contents = contents
  }

  private static let partNames = [
    "weight": "weight", "weights": "weight", "W": "weight", "w": "weight", "kernel": "weight",
    "0": "weight", "bias": "bias", "biases": "bias", "b": "bias", "1": "bias",
  ]

  /// The layer and the part of it that an array is.
  private static func place(of keys: [String]) -> (layer: String, part: String)? {
    if keys.count == 2 {
      let part = partNames[keys[1]] ?? keys[1]
      return LayerKinds.parameterNames.contains(part) ? (TorchNames.plain(keys[0]), part) : nil
    }
    guard let name = keys.first else { return nil }
    // Parts of Caffe's names have `_` in them: the longest that fits counts.
    // A number at the end is the layer's own (conv1_1).
    let known = LayerKinds.parameterNames + partNames.keys.sorted().filter { Int($0) == nil }
    for known in known {
      for separator in [".", "/", "_"] where name.hasSuffix(separator + known) {
        let layer = String(name.dropLast(known.count + 1))
        return layer.isEmpty ? nil : (TorchNames.plain(layer), partNames[known] ?? known)
      }
    }
    return nil
  }

  /// Told by the first filters that have as many outputs as biases at one end alone; matrices without
  /// filters tell it too.
  private static func isOutputsLast(
    _ layers: some Collection<[String: NumPyDictionary.Array]>
  ) -> Bool {
    for axes in [4, 2] {
      for layer in layers {
        guard let shape = layer["weight"]?.numbers.shape, shape.count == axes,
          let outputs = layer["bias"]?.numbers.count
        else { continue }
        if (shape.first == outputs) != (shape.last == outputs) { return shape.last == outputs }
      }
    }
    return false
  }
}
