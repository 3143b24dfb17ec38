internal import Files
internal import Formats
internal import Tensors

/// The layers of a network of cuda-convnet, in Caffe's words.
///
/// A layer is a dictionary. Filters are (inputs · height · width) × outputs, inner products inputs × outputs:
/// planes channel by channel, as here. Source: cuda-convnet's `layer.py`, and the translator of
/// decaf-release (`decaf/util/translator`), which says what each entry means to DeCAF.
struct CudaConvNetChain {
  private(set) var model = CaffeModel()
  private let pickle: Pickle
  private let file: MappedFile

  private static let layerLimit = 1000

  /// - Throws: `ModelError.unsupported`, `format`.
  init(_ pickle: Pickle, _ file: MappedFile) throws(ModelError) {
    (self.pickle, self.file) = (pickle, file)
    let layers = pickle.elements(pickle.root) ?? []
    guard !layers.isEmpty, layers.count <= Self.layerLimit,
      layers.allSatisfy({ pickle.entries($0) != nil })
    else { throw refused("a pickle that is no list of layers") }
    for layer in layers {
      let entries = Dictionary(
        pickle.entries(layer)!.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
      if let layer = try self.layer(entries) { model.layers.append(layer) }
    }
  }

  var layersWithNumbers: [ModelFile.Layer] {
    model.layers.filter { !$0.blobs.isEmpty }.map {
      ModelFile.Layer(name: $0.name, blobs: $0.blobs)
    }
  }

  private func refused(_ found: String) -> ModelError {
    .unsupported(
      path: file.path, found: found,
      advice: "expected DeCAF's own network (imagenet.decafnet.epoch90), cuda-convnet's list of "
        + "dictionaries, pickled in protocol 2; weights saved by PyTorch are .pth files")
  }

  /// - Returns: nil for layers that read images or measure results.
  private func layer(
    _ entries: [String: Pickle.Value]
  ) throws(ModelError) -> CaffeModel.Layer? {
    guard let name = pickle.text(entries["name"]), let type = pickle.text(entries["type"]) else {
      throw refused("a layer without a name or type")
    }
    if type == "data" || type.hasPrefix("cost") { return nil }
    var layer = CaffeModel.Layer()
    layer.name = name
    var settings = CaffeModel.Settings()
    /// A whole number, or the first of a list: one for each input, of which a chain has one.
    func number(_ key: String) -> Int? {
      pickle.integer(entries[key]) ?? pickle.integer(pickle.elements(entries[key])?.first)
    }
    func require(_ key: String) throws(ModelError) -> Int {
      guard let found = number(key) else { throw refused("\(name) without \(key)") }
      return found
    }
    switch type {
    case "conv":
      layer.type = ConvolutionLayer.caffe.name
      let (outputs, groups) = (try require("filters"), number("groups") ?? 1)
      let size = try require("filterSize")
      // Padding is written with a minus.
      settings.set(3, [0 &- (number("padding") ?? 0)])
      settings.set(4, [size])
      settings.set(5, [groups])
      settings.set(6, [number("stride") ?? 1])
      guard let channels = number("channels"), groups > 0, channels % groups == 0 else {
        throw refused("\(name) without channels")
      }
      layer.blobs = try blobs(entries, name, [outputs, channels / groups, size, size])
    case "fc":
      layer.type = InnerProductLayer.caffe.name
      layer.blobs = try blobs(entries, name, nil)
    case "pool":
      layer.type = PoolingLayer.caffe.name
      settings.set(1, [pickle.text(entries["pool"]) == "max" ? 0 : 1])
      settings.set(2, [try require("sizeX")])
      settings.set(3, [try require("stride")])
      settings.set(4, [number("start") ?? 0])
    case "cmrnorm":
      layer.type = LocalResponseNormalizationLayer.caffe.name
      let size = try require("size")
      guard let scale = float(entries["scale"]), let power = float(entries["pow"]) else {
        throw refused("\(name) without scale and pow")
      }
      settings.set(1, [size])
      // The file has it divided by the size already.
      settings.set(2, Float(scale * Double(size)))
      settings.set(3, Float(power))
    case "neuron": layer.type = try neuron(entries["neuron"], name)
    case "softmax": layer.type = SoftmaxLayer.caffe.name
    default: throw refused("\(name), a layer of type \(type)")
    }
    if !settings.values.isEmpty { layer.settings = settings }
    return layer
  }

  private func float(_ value: Pickle.Value?) -> Double? {
    switch value {
    case .float(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }

  /// `{"type": "relu", …}`; dropout does nothing at test time.
  private func neuron(_ value: Pickle.Value?, _ name: String) throws(ModelError) -> String {
    let type = pickle.entries(value)?.first { $0.key == "type" }
    switch pickle.text(type?.value) {
    case "relu": return ReLULayer.caffe.name
    case "dropout": return DropoutLayer.caffe.name
    case let other: throw refused("\(name), a neuron of type \(other ?? "unknown")")
    }
  }

  /// Weights, turned to have outputs first, and biases.
  ///
  /// - Parameter filters: the shape to give them; nil for a matrix.
  private func blobs(
    _ entries: [String: Pickle.Value], _ name: String, _ filters: [Int]?
  ) throws(ModelError) -> [ModelFile.Blob] {
    let weights: StridedNumbers?
    let biases: StridedNumbers?
    do throws(FormatError) {
      weights = try NumPyPickle.floats(
        pickle.elements(entries["weights"])?.first ?? entries["weights"], of: pickle, in: file, name
      )
      biases = try NumPyPickle.floats(entries["biases"], of: pickle, in: file, name)
    } catch { throw .format(error) }
    guard let weights, let biases, weights.shape.count == 2 else {
      throw refused("\(name) without a matrix of weights and biases")
    }
    let shape = filters ?? [weights.shape[1], weights.shape[0]]
    guard shape[0] == weights.shape[1], shape.product() == weights.count else {
      throw refused("\(name): \(weights.shape) weights for filters of \(shape)")
    }
    // The inputs of a column, in the order of channels, rows and columns, each a stride apart.
    let inputs = StridedNumbers.rowMajor(Array(shape.dropFirst())).map { $0 * weights.strides[0] }
    let turned = StridedNumbers(
      weights.element, offset: weights.offset, shape: shape, strides: [weights.strides[1]] + inputs)
    return [
      ModelFile.Blob(shape: shape, floats: StoredFloats(file, turned)),
      ModelFile.Blob(
        shape: [biases.count],
        floats: StoredFloats(
          file,
          [StoredFloats.Segment(biases.element, offset: biases.offset, count: biases.count)])),
    ]
  }
}
