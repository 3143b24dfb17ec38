internal import Files

/// `.caffemodel`, Caffe's binary `NetParameter`: layers of the second and the first (V1) format are
/// read, the second is written.
struct CaffeModelFormat: WritableWeightFormat {
  static let pathExtension = "caffemodel"

  let contents: ModelFile
  private let model: CaffeModel

  /// Never: a protobuf message begins with whatever field comes first.
  static func recognizes(_ file: MappedFile) -> Bool { false }

  /// - Throws: as `CaffeModelReader.read`.
  init(_ file: MappedFile) throws(ModelError) {
    var reader = CaffeModelReader(file)
    model = try reader.read()
    contents = ModelFile(model, path: file.path)
  }

  func layerOrder() throws(ModelError) -> Architecture? {
    try model.architecture(path: contents.path)
  }

  func check(
    against definition: NetworkDefinition, of architecture: Architecture
  ) throws(ModelError) {
    guard architecture.hasTwoOrders else {
      // A user's own network says itself what it reads.
      return try model.check(
        against: definition, isOfAnySize: !architecture.isShipped, path: contents.path)
    }
    // Of an order that the user overrides, the user has been warned.
    let own = try layerOrder().map { order in
      NetworkDefinition(order, through: definition.layers.last { $0.hasParameters }?.name)
    }
    try model.check(against: own ?? definition, path: contents.path)
  }

  static func write(_ model: Model, to path: String) throws(ModelError) {
    do throws(SystemError) { try CaffeModelWriter.write(model, to: path) } catch {
      throw .cannotWrite(error)
    }
  }
}

extension ModelFile {
  /// The layers of `caffe` that have numbers; of two with one name, as when layers are shared, the
  /// first.
  fileprivate init(_ caffe: CaffeModel, path: String) {
    self.path = path
    networkName = caffe.name
    var names = Set<String>()
    for layer in caffe.layers where !layer.blobs.isEmpty && names.insert(layer.name).inserted {
      layers.append(Layer(name: layer.name, blobs: layer.blobs))
    }
  }
}
