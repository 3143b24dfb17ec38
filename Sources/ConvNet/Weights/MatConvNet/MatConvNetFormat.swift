internal import Files
internal import Formats
internal import Tensors

/// `.mat`, what MatConvNet saves of a network that is a chain (“SimpleNN”): a cell array `layers` of
/// structures; see `MatConvNetChain`.
///
/// Filters are height × width × inputs × outputs, the first index running fastest, those of the first
/// layer in the order R, G, B; inner products are convolutions as large as the map.
struct MatConvNetFormat: WeightFormat {
  static let pathExtension = "mat"

  let contents: ModelFile
  private let chain: MatConvNetChain

  static func recognizes(_ file: MappedFile) -> Bool { MATFile.isMATLAB(file) }

  /// - Throws: `ModelError.format`, or `unsupported` for what is no chain of layers.
  init(_ file: MappedFile) throws(ModelError) {
    let values: [String: MATValue]
    do throws(FormatError) {
      values = try MATFile.values(["layers", "net", "normalization", "meta", "params"], of: file)
    } catch { throw .format(error) }
    let net = values["net"]
    guard let layers = values["layers"] ?? net?["layers"], values["params"] == nil else {
      throw .unsupported(
        path: file.path,
        found: "a MATLAB file without a cell array “layers”"
          + (values["params"] == nil ? "" : ", MatConvNet's DagNN"),
        advice: "expected a network that MatConvNet saved as a chain (SimpleNN)")
    }
    chain = try MatConvNetChain(layers, path: file.path)
    var contents = ModelFile(path: file.path)
    contents.layers = chain.layersWithNumbers
    contents.isInOrder = true
    contents.preprocess = "matconvnet"
    let normalization =
      values["normalization"] ?? (values["meta"] ?? net?["meta"])?["normalization"]
      ?? net?["normalization"]
    if let normalization {
      let found = MatConvNetNormalization(normalization)
      contents.transform = found.transform
      if !found.differences.isEmpty {
        contents.notes = [
          "\(file.path): its normalization is not what images get here: "
            + found.differences.joined(separator: "; ")
            + (found.transform == nil ? "; the transform is matconvnet, with ImageNet's means" : "")
            + "; a YAML file (--preprocess) can say more"
        ]
      }
    }
    self.contents = contents
  }

  func layerOrder() throws(ModelError) -> Architecture? {
    try chain.caffeModel(matching: Architecture.caffenet.definition)
      .architecture(path: contents.path)
  }

  func check(
    against definition: NetworkDefinition, of architecture: Architecture
  ) throws(ModelError) {
    // Of an order that the user overrides, the user has been warned.
    let stated = architecture.hasTwoOrders ? try layerOrder() : nil
    let own = stated.map { order in
      NetworkDefinition(order, through: definition.layers.last { $0.hasParameters }?.name)
    }
    let expected = own ?? definition
    try chain.caffeModel(matching: expected).check(
      against: expected, isOfAnySize: true, path: contents.path)
  }
}
