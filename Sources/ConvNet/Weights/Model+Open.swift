import Files
import Tensors

extension Model {
  /// Opens a network's weights: `.caffemodel` (layers of the second and the first (V1) format) or
  /// `.safetensors` (tensors `conv1.weight`, `conv1.bias`, …), told apart by content.
  ///
  /// The file is mapped and read through once, for the digest. It may end after any layer that has
  /// weights; layers of other names (a fine-tuned classifier, say) are left aside with a warning.
  ///
  /// - Parameter architecture: overrides what the file says; nil takes, in this order, the order of
  ///   the file's own layers, its metadata, its network name, or `caffenet` with a warning.
  /// - Throws: `ModelError`.
  package static func open(
    _ path: String, architecture: Architecture? = nil
  ) throws(ModelError) -> Model {
    let file: MappedFile
    do throws(SystemError) {
      file = try MappedFile(path)
    } catch { throw .cannotRead(error) }
    switch ModelFileKind(file) {
    case .safetensors:
      let contents = try ModelFile(safetensors: path)
      return try Model(contents, parameters: contents.parameters(), given: architecture)
    case .caffemodel:
      var reader = CaffeModelReader(file)
      let caffe = try reader.read()
      var contents = ModelFile(caffe, path: path)
      // Shapes first: of another network, the order of its layers is not worth a message.
      let parameters = try contents.parameters()
      contents.layerOrder = try caffe.architecture(path: path)
      let model = try Model(contents, parameters: parameters, given: architecture)
      try caffe.check(against: model.definition, path: path)
      return model
    case .other(let found):
      throw .notAModel(path: path, found: found)
    }
  }

  private convenience init(
    _ contents: ModelFile, parameters: [String: LayerParameters], given: Architecture?
  ) throws(ModelError) {
    let choice = contents.architecture(given: given)
    try self.init(
      architecture: choice.architecture, parameters: parameters,
      origin: Origin(
        name: contents.networkName, path: contents.path, architectureSource: choice.source,
        isUntrained: contents.isUntrained, panelsDigest: contents.panelsDigest,
        warnings: choice.warnings + contents.warningOfOtherLayers))
  }
}

extension ModelFile {
  /// The layers of `caffe` that have numbers; of two with one name, as when layers are shared, the
  /// first.
  init(_ caffe: CaffeModel, path: String) {
    self.path = path
    networkName = caffe.name
    var names = Set<String>()
    for layer in caffe.layers where !layer.blobs.isEmpty && names.insert(layer.name).inserted {
      layers.append(Layer(name: layer.name, blobs: layer.blobs))
    }
  }

  /// Reads what a safetensors file at `path` says; `NAME.weight` and `NAME.bias` make a layer, perhaps
  /// with `NAME.panels`.
  ///
  /// - Throws: `ModelError.safetensors`, or `wrongSetting` for an architecture that is not known.
  init(safetensors path: String) throws(ModelError) {
    let written: String?
    do throws(SafetensorsError) {
      let file = try SafetensorsFile(path)
      self.path = path
      networkName = file.metadata["name"] ?? ""
      isUntrained = file.metadata["trained"] == "false"
      panelsDigest = file.metadata["panels-of"]
      var names = Set<String>()
      for tensor in file.tensors {
        let name = tensor.name.lastIndex(of: ".").map { String(tensor.name[..<$0]) } ?? tensor.name
        guard names.insert(name).inserted else { continue }
        guard NetworkDefinition.parameterLayerNames.contains(name) else {
          layers.append(Layer(name: name, blobs: []))
          continue
        }
        var blobs = [Blob]()
        for tensor in [".weight", ".bias"].compactMap({ file.tensor(named: name + $0) }) {
          blobs.append(Blob(shape: tensor.shape, floats: try file.storedFloats(tensor.name)))
        }
        let panels = try file.tensor(named: name + ".panels").map {
          tensor throws(SafetensorsError) in try file.storedFloats(tensor.name)
        }
        layers.append(Layer(name: name, blobs: blobs, panels: panels))
      }
      written = file.metadata["architecture"]
    } catch { throw .safetensors(error) }
    metadataArchitecture = written.flatMap(Architecture.init(rawValue:))
    if let written, metadataArchitecture == nil {
      throw .wrongSetting(
        layer: "the file's metadata", path: path, setting: "architecture",
        expected: Architecture.allCases.map(\.rawValue).joined(separator: " or "), found: written)
    }
  }
}
