internal import Files
internal import Formats
internal import Tensors

/// `.safetensors`, decaf's own: tensors `NAME.weight` and `NAME.bias` make a layer, perhaps with
/// `NAME.panels`; the metadata names the architecture, and has the description of one that does not
/// come with decaf. Those that PyTorch's programs write have the same form, without these metadata; see
/// `TorchNames`.
struct SafetensorsFormat: WeightFormat {
  static let pathExtension = "safetensors"

  let contents: ModelFile

  static func recognizes(_ file: MappedFile) -> Bool { SafetensorsFile.isSafetensors(file) }

  /// - Throws: `ModelError.safetensors`, or `wrongSetting` for an architecture that is not known.
  init(_ file: MappedFile) throws(ModelError) {
    var contents = ModelFile(path: file.path)
    let (written, network): (String?, String?)
    do throws(SafetensorsError) {
      let file = try SafetensorsFile(file.path)
      contents.networkName = file.metadata["name"] ?? ""
      contents.isUntrained = file.metadata["trained"] == "false"
      contents.training = file.metadata["training"]
      contents.panelsDigest = file.metadata["panels-of"]
      // Of another program's file this is no promise that the name is known.
      contents.preprocess = file.metadata["preprocess"].flatMap {
        InputTransform.isName($0) ? $0 : nil
      }
      contents.transform = file.metadata["transform"].flatMap(Self.transform)
      contents.layers = try Self.layers(file)
      written = file.metadata["architecture"]
      network = file.metadata["network"]
    } catch { throw .safetensors(error) }
    if let network {
      contents.metadataArchitecture = try Architecture(
        parsing: Array(network.utf8), source: "the network in \(file.path)",
        folder: FileSystem.folder(of: file.path))
    } else {
      contents.metadataArchitecture = written.flatMap(Architecture.init(rawValue:))
    }
    if let written, contents.metadataArchitecture == nil {
      throw .wrongSetting(
        layer: "the file's metadata", path: file.path, setting: "architecture",
        expected: Architecture.allCases.map(\.rawValue).joined(separator: " or "), found: written)
    }
    self.contents = contents
  }

  /// A transform that `write` has described; nil for what another program means by the word.
  private static func transform(_ text: String) -> InputTransform? {
    let found = try? JSONValue(parsing: Array(text.utf8)).decoded(InputTransform.self)
    return found.flatMap { (try? $0.validate()) == nil ? nil : $0 }
  }

  private static func layers(_ file: SafetensorsFile) throws(SafetensorsError) -> [ModelFile.Layer]
  {
    var tensors = [(name: String, blob: ModelFile.Blob?)]()
    for tensor in file.tensors {
      let isRead = tensor.isOfFloats || tensor.name.hasSuffix(".panels")
      let floats = isRead ? try file.storedFloats(tensor.name) : nil
      tensors.append((tensor.name, floats.map { ModelFile.Blob(shape: tensor.shape, floats: $0) }))
    }
    // Names in decaf's own files are the network's, whatever they begin with.
    let isOwn = file.metadata["format"] == "decaf-model"
    return TorchNames.layers(of: tensors, name: isOwn ? { $0 } : TorchNames.plain)
  }
}

extension SafetensorsFormat: WritableWeightFormat {
  /// `.weight` and `.bias` of each layer, in order, and `.panels` of inner products; metadata that
  /// `init` understands.
  static func write(_ model: Model, to path: String) throws(ModelError) {
    do throws(SystemError) { try writeTensors(model, to: path) } catch {
      throw .cannotWrite(error)
    }
  }

  private static func writeTensors(_ model: Model, to path: String) throws(SystemError) {
    var metadata = ["format": "decaf-model", "architecture": model.architecture.rawValue]
    if !model.architecture.isShipped { metadata["network"] = model.architecture.text }
    if !model.name.isEmpty { metadata["name"] = model.name }
    if model.isUntrained { metadata["trained"] = "false" }
    metadata["preprocess"] = model.ownPreprocess
    metadata["transform"] = model.describedTransform.flatMap {
      try? JSONValue(encoding: $0).compactText
    }
    if let training = model.training { metadata["training"] = training }
    var tensors = [(name: String, shape: [Int])]()
    for layer in model.definition.layers {
      for (number, part) in layer.parameters.enumerated() {
        tensors.append(("\(layer.name).\(part.name)", part.shape))
        // Before the biases: 1000 of them would move what follows off the cache lines.
        if number == 0, let panels = panels(of: layer, model) {
          tensors.append((layer.name + ".panels", panels.shape))
          metadata["panels-of"] = model.weightsSHA256.hexadecimal
        }
      }
    }
    let writer = try SafetensorsWriter(path, metadata: metadata, tensors: tensors)
    let append = { (piece: Span<Float>) throws(SystemError) in try writer.append(piece) }
    for layer in model.definition.layers where layer.hasParameters {
      for (number, blob) in model.storedParameters(layer.name).blobs.enumerated() {
        try blob.forEachPiece(append)
        if number == 0, let panels = panels(of: layer, model) {
          for panel in 0..<panels.count { try panels.forEachPiece(of: panel, append) }
        }
      }
    }
    try writer.finish()
  }

  /// The layer's weight matrix as panels; nil for other weights.
  private static func panels(of layer: NetworkDefinition.Layer, _ model: Model) -> WeightPanels? {
    guard layer.hasWeightMatrix, let outputs = layer.weightShape?[0] else { return nil }
    return WeightPanels(of: model.storedParameters(layer.name).weights, outputs: outputs)
  }
}
