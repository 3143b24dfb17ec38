/// A `.caffemodel` put together by hand, in either generation of the format.
package struct CaffeModelFixture {
  package enum Numbers: CaseIterable { case packed, single, packedDoubles, singleDoubles }
  package enum Shape: CaseIterable { case packed, single, legacy, none }

  package struct Layer {
    package var name: String
    package var type: String
    package var weights: (shape: [Int], values: [Float])?
    package var biases: [Float]?
    /// Field number in `LayerParameter` and the message's bytes.
    package var settings: (field: Int, bytes: [UInt8])?

    package init(
      name: String, type: String, weights: (shape: [Int], values: [Float])? = nil,
      biases: [Float]? = nil, settings: (field: Int, bytes: [UInt8])? = nil
    ) {
      (self.name, self.type, self.weights) = (name, type, weights)
      (self.biases, self.settings) = (biases, settings)
    }
  }

  package var name = ""
  package var layers = [Layer]()
  package var isV1 = false
  /// `input_dim`.
  package var inputDimensions: [Int] = []
  package var numbers = Numbers.packed
  package var shape = Shape.packed

  package init(
    name: String = "", layers: [Layer] = [], isV1: Bool = false, numbers: Numbers = .packed,
    shape: Shape = .packed
  ) {
    (self.name, self.layers, self.isV1) = (name, layers, isV1)
    (self.numbers, self.shape) = (numbers, shape)
  }

  /// conv1 of small numbers that differ from each other.
  package static let conv1 = Layer(
    name: "conv1", type: "Convolution",
    weights: ([96, 3, 11, 11], (0..<34848).map { Float($0 % 1009) / 8192 - 0.0625 }),
    biases: (0..<96).map { Float($0) / 64 })

  package static func pooling(_ name: String, stride: Int = 2) -> Layer {
    Layer(
      name: name, type: "Pooling",
      settings: (
        121,
        ProtobufEncoder.message {
          $0.number(1, 0)
          $0.number(2, 3)
          $0.number(3, stride)
        }
      ))
  }

  package static func normalization(_ name: String, alpha: Float = 1e-4) -> Layer {
    Layer(
      name: name, type: "LRN",
      settings: (
        118,
        ProtobufEncoder.message {
          $0.number(1, 5)
          $0.float(2, alpha)
          $0.float(3, 0.75)
        }
      ))
  }

  /// The file's bytes.
  package var bytes: [UInt8] {
    ProtobufEncoder.message { net in
      net.text(1, name)
      for dimension in inputDimensions { net.number(4, dimension) }
      for layer in layers {
        net.message(isV1 ? 2 : 100) { isV1 ? writeV1(layer, &$0) : writeV2(layer, &$0) }
      }
    }
  }

  private func writeV2(_ layer: Layer, _ message: inout ProtobufEncoder) {
    message.text(1, layer.name)
    message.text(2, layer.type)
    message.text(3, "below")
    for blob in blobs(of: layer) { message.bytes(7, blob) }
    if let settings = layer.settings { message.bytes(settings.field, settings.bytes) }
  }

  private func writeV1(_ layer: Layer, _ message: inout ProtobufEncoder) {
    let types = [
      "Convolution": 4, "Data": 5, "Dropout": 6, "InnerProduct": 14, "LRN": 15, "Pooling": 17,
      "ReLU": 18, "Sigmoid": 19, "TanH": 23, "Power": 26,
    ]
    let fields = [100: 36, 106: 10, 117: 17, 118: 18, 121: 19, 123: 30]
    message.text(2, "below")
    message.text(4, layer.name)
    message.number(5, types[layer.type] ?? 0)
    for blob in blobs(of: layer) { message.bytes(6, blob) }
    message.float(7, 1)
    if let settings = layer.settings { message.bytes(fields[settings.field]!, settings.bytes) }
  }

  private func blobs(of layer: Layer) -> [[UInt8]] {
    var blobs = [[UInt8]]()
    if let weights = layer.weights { blobs.append(blob(weights.shape, weights.values)) }
    if let biases = layer.biases { blobs.append(blob([biases.count], biases)) }
    return blobs
  }

  /// A `BlobProto` of packed numbers.
  package static func blob(_ dimensions: [Int], _ values: [Float]) -> [UInt8] {
    CaffeModelFixture().blob(dimensions, values)
  }

  private func blob(_ dimensions: [Int], _ values: [Float]) -> [UInt8] {
    ProtobufEncoder.message { message in
      switch numbers {
      case .packed: message.packed(5, values)
      case .single: for value in values { message.float(5, value) }
      case .packedDoubles: message.packed(8, values.map(Double.init))
      case .singleDoubles: for value in values { message.double(8, Double(value)) }
      }
      switch shape {
      case .packed: message.message(7) { $0.packed(1, dimensions) }
      case .single: message.message(7) { for it in dimensions { $0.number(1, it) } }
      case .legacy:
        let padded = [Int](repeating: 1, count: 4 - dimensions.count) + dimensions
        for (field, dimension) in zip(1..., padded) { message.number(field, dimension) }
      case .none: break
      }
    }
  }
}
