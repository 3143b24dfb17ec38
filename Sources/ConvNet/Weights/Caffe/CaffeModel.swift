/// What a `.caffemodel` says: the network's name, and its layers with their blobs still in the file.
struct CaffeModel {
  var name = ""
  var layers = [Layer]()
  /// `input_dim` or `input_shape`: images, channels, height, width; nil when the file does not say.
  var inputShape: [Int]?

  struct Layer {
    var name = ""
    /// Caffe's name of the type: `Convolution`, `InnerProduct`, `Pooling`, `LRN`, …
    var type = ""
    var blobs = [ModelFile.Blob]()
    /// The layer's own parameters as far as they matter here; nil when the file has none.
    var settings: Settings?
    /// `TransformationParameter`: what a layer that reads images does to them.
    var transform: Settings?
    /// `InputParameter.shape`, as `inputShape`.
    var inputShape: [Int]?
  }

  /// Values by field number of `ConvolutionParameter`, `PoolingParameter`, `LRNParameter` or
  /// `InnerProductParameter`: integers as they are, floats as their bits.
  struct Settings {
    var values = [Int: [UInt64]]()

    /// Sets whole numbers: one, or the height's and the width's.
    mutating func set(_ field: Int, _ numbers: [Int]) {
      values[field] = numbers.map { UInt64(bitPattern: Int64($0)) }
    }

    mutating func set(_ field: Int, _ number: Float) { values[field] = [UInt64(number.bitPattern)] }
  }

  /// Where a generation of the format keeps what both have.
  ///
  /// Source: `LayerParameter` and `V1LayerParameter` in Caffe's `src/caffe/proto/caffe.proto`.
  struct Fields {
    let name: Int
    let type: Int
    let blobs: Int
    /// `transform_param`.
    let transform: Int
    /// `input_param`; nil where the generation has none.
    let input: Int?
    /// The messages with settings of known kinds of layers, and of each the fields that may be packed.
    let settings: [Int: Set<Int>]

    static let v2 = Fields(
      name: 1, type: 2, blobs: 7, transform: 100, input: 143, settings: settings { $0.field })
    static let v1 = Fields(
      name: 4, type: 5, blobs: 6, transform: 36, input: nil, settings: settings { $0.v1Field })

    private static func settings(
      _ field: (CaffeLayerType.Settings) -> Int?
    ) -> [Int: Set<Int>] {
      let messages = LayerKinds.caffeTypes.compactMap(\.settings)
      return messages.reduce(into: [:]) { result, message in
        if let number = field(message) { result[number] = message.packed }
      }
    }
  }

  /// Names by `V1LayerParameter.LayerType`.
  static let v1Types: [UInt64: String] = [
    1: "Accuracy", 2: "BNLL", 3: "Concat", 4: "Convolution", 5: "Data", 6: "Dropout",
    7: "EuclideanLoss", 8: "Flatten", 9: "HDF5Data", 10: "HDF5Output", 11: "Im2col",
    12: "ImageData", 13: "InfogainLoss", 14: "InnerProduct", 15: "LRN",
    16: "MultinomialLogisticLoss", 17: "Pooling", 18: "ReLU", 19: "Sigmoid", 20: "Softmax",
    21: "SoftmaxWithLoss", 22: "Split", 23: "TanH", 24: "WindowData", 25: "Eltwise", 26: "Power",
    27: "SigmoidCrossEntropyLoss", 28: "HingeLoss", 29: "MemoryData", 30: "ArgMax",
    31: "Threshold", 32: "DummyData", 33: "Slice", 34: "MVN", 35: "AbsVal", 36: "Silence",
    37: "ContrastiveLoss", 38: "Exp", 39: "Deconvolution",
  ]
}
