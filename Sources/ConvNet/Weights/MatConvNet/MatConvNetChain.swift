internal import Formats
internal import Tensors

/// The layers of a network of MatConvNet, and what they are in Caffe's words, in which they are compared
/// with the definition.
///
/// Source: “MatConvNet: Convolutional Neural Networks for MATLAB”, Vedaldi and Lenc, chapter 4, and
/// `vl_simplenn.m`.
struct MatConvNetChain {
  private struct Layer {
    let name: String
    let type: String
    let fields: MATValue
    let blobs: [ModelFile.Blob]
  }

  private let layers: [Layer]
  private let path: String

  private static let layerLimit = 1000

  /// - Throws: `ModelError.unsupported`.
  init(_ value: MATValue, path: String) throws(ModelError) {
    self.path = path
    let parts: [MATValue]
    switch value {
    case .cells(let cells): parts = cells
    case .structures(let elements): parts = elements.map { .structures([$0]) }
    default: parts = []
    }
    guard !parts.isEmpty, parts.count <= Self.layerLimit else {
      throw Self.refused(path, "“layers” that is no list of layers")
    }
    var layers = [Layer]()
    for (number, part) in parts.enumerated() {
      guard let type = part["type"]?.string else {
        throw Self.refused(path, "layer \(number + 1) without a type")
      }
      let name = part["name"]?.string ?? "\(type)\(number + 1)"
      layers.append(
        Layer(
          name: name, type: type, fields: part,
          blobs: type == "conv" ? try Self.blobs(part, name, path: path) : []))
    }
    self.layers = layers
  }

  var layersWithNumbers: [ModelFile.Layer] {
    layers.filter { !$0.blobs.isEmpty }.map { ModelFile.Layer(name: $0.name, blobs: $0.blobs) }
  }

  private static func refused(_ path: String, _ found: String) -> ModelError {
    .unsupported(
      path: path, found: found,
      advice:
        "expected conv, relu, pool, normalize or lrn, dropout and softmax, one after the other")
  }

  /// Filters and biases, in `weights` or, as older versions have them, in two fields.
  private static func blobs(
    _ layer: MATValue, _ name: String, path: String
  ) throws(ModelError) -> [ModelFile.Blob] {
    var arrays = [layer["filters"], layer["biases"]].compactMap { $0?.array }
    if case .cells(let parts)? = layer["weights"] { arrays = parts.compactMap(\.array) }
    guard arrays.count == 2, arrays[0].shape.count <= 4 else {
      throw refused(path, "\(name) without filters and biases")
    }
    let filters = arrays[0].shape + [Int](repeating: 1, count: 4 - arrays[0].shape.count)
    return [
      blob(arrays[0], shape: filters, axes: [3, 2, 0, 1]),
      blob(arrays[1], shape: [arrays[1].count], axes: [0]),
    ]
  }

  /// The numbers with the axes in another order; MATLAB stores whole ones as integers, which are copied.
  private static func blob(_ array: NumberArray, shape: [Int], axes: [Int]) -> ModelFile.Blob {
    // The first index runs fastest.
    let strides = shape.indices.map { shape[..<$0].reduce(1, *) }
    let (turned, order) = (axes.map { shape[$0] }, axes.map { strides[$0] })
    if array.type.isFloat, let (file, offset) = array.place {
      return ModelFile.Blob(
        shape: turned,
        floats: StoredFloats(
          file, StridedNumbers(array.type, offset: offset, shape: turned, strides: order)))
    }
    let numbers = array.numbers
    var (floats, index) = ([Float](), [Int](repeating: 0, count: turned.count))
    floats.reserveCapacity(numbers.count)
    for _ in 0..<numbers.count {
      floats.append(Float(numbers[zip(index, order).reduce(0) { $0 + $1.0 * $1.1 }]))
      var axis = turned.count - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < turned[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
    return ModelFile.Blob(shape: turned, floats: StoredFloats(floats))
  }

  private static let types = [
    "conv": "Convolution", "relu": "ReLU", "pool": "Pooling", "normalize": "LRN", "lrn": "LRN",
    "dropout": "Dropout", "softmax": "Softmax", "softmaxloss": "SoftmaxWithLoss",
    "sigmoid": "Sigmoid",
  ]

  /// The layers in Caffe's words.
  ///
  /// - Parameter definition: tells which convolutions are inner products, and what sizes the maps have.
  /// - Throws: `ModelError.unsupported` for layers of other types.
  func caffeModel(matching definition: NetworkDefinition) throws(ModelError) -> CaffeModel {
    let expected = definition.layers.filter { !$0.kind.isIdentity && !($0.kind is FlattenLayer) }
    var model = CaffeModel()
    for layer in layers {
      guard let type = Self.types[layer.type] else {
        throw Self.refused(path, "\(layer.name), a layer of type \(layer.type)")
      }
      var found = CaffeModel.Layer()
      (found.name, found.type, found.blobs) = (layer.name, type, layer.blobs)
      if type != "Dropout" {
        let place = model.layers.count { $0.type != "Dropout" }
        let wanted = place < expected.count ? expected[place] : nil
        if type == "Convolution", wanted?.kind is InnerProductLayer {
          found.type = "InnerProduct"
        } else {
          found.settings = try settings(of: layer, wanted)
        }
        // Names are the file's own where they are those of the order alone.
        if let wanted, wanted.hasParameters { found.name = wanted.name }
      }
      model.layers.append(found)
    }
    return model
  }

  private func settings(
    of layer: Layer, _ expected: NetworkDefinition.Layer?
  ) throws(ModelError) -> CaffeModel.Settings? {
    var settings = CaffeModel.Settings()
    func few(_ field: String, _ usual: [Int]) -> [Int] {
      layer.fields[field]?.few?.map { Int(exactly: $0) ?? -1 } ?? usual
    }
    /// One number for all, or one each.
    func spread(_ numbers: [Int], _ count: Int) -> [Int] {
      numbers.count == 1 ? [Int](repeating: numbers[0], count: count) : numbers
    }
    let (pads, strides) = (spread(few("pad", [0]), 4), spread(few("stride", [1]), 2))
    switch layer.type {
    case "conv":
      guard pads.count == 4, pads[0] == pads[1], pads[2] == pads[3] else {
        throw Self.refused(path, "\(layer.name) with padding \(pads)")
      }
      let shape = layer.blobs[0].shape!
      settings.set(3, [pads[0], pads[2]])
      settings.set(4, [shape[2], shape[3]])
      settings.set(6, strides)
      settings.set(18, spread(few("dilate", [1]), 2))
      // The depth of the filters tells, which is compared with the rest of their shape.
      if let kind = expected?.kind as? ConvolutionLayer { settings.set(5, [kind.groups]) }
    case "pool":
      let size = spread(few("pool", []), 2)
      guard pads.count == 4, size.count == 2, strides.count == 2,
        !strides.contains(where: { $0 < 1 })
      else { throw Self.refused(path, "\(layer.name) without a size") }
      let isMax = layer.fields["method"]?.string ?? "max" == "max"
      settings.set(1, [isMax ? 0 : 1])
      settings.set(2, size)
      settings.set(3, strides)
      settings.set(4, [pads[0], pads[2]])
      // Sizes that are rounded up are written as padding at the far edges: the size tells.
      if let expected, let kind = expected.kind as? PoolingLayer {
        let (input, output) = (expected.inputShape, expected.outputShape)
        let rows = (input.height + pads[0] + pads[1] - size[0]) / strides[0] + 1
        let columns = (input.width + pads[2] + pads[3] - size[1]) / strides[1] + 1
        let isSame = (rows, columns) == (output.height, output.width)
        settings.set(13, [isSame ? kind.rounding.rawValue : 1 - kind.rounding.rawValue])
      }
    case "normalize", "lrn":
      // `[N kappa alpha beta]`; Caffe's alpha is N times as large.
      guard let numbers = layer.fields["param"]?.few, numbers.count == 4,
        let size = Int(exactly: numbers[0])
      else { throw Self.refused(path, "\(layer.name) without param") }
      settings.set(1, [size])
      settings.set(2, Float(numbers[2] * numbers[0]))
      settings.set(3, Float(numbers[3]))
      settings.set(5, Float(numbers[1]))
    case "relu":
      if let leak = layer.fields["leak"]?.few?.first { settings.set(1, Float(leak)) }
    default: return nil
    }
    return settings
  }
}
