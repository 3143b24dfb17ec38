/// What a `.caffemodel` says: the network's name, and its layers with their blobs still in the file.
struct CaffeModel {
  var name = ""
  var layers = [Layer]()

  struct Layer {
    var name = ""
    /// Caffe's name of the type: `Convolution`, `InnerProduct`, `Pooling`, `LRN`, …
    var type = ""
    var blobs = [ModelFile.Blob]()
    /// The layer's own parameters as far as they matter here; nil when the file has none.
    var settings: Settings?
  }

  /// Values by field number of `ConvolutionParameter`, `PoolingParameter`, `LRNParameter` or
  /// `InnerProductParameter`: integers as they are, floats as their bits.
  struct Settings {
    var values = [Int: [UInt64]]()
  }

  /// Where the two generations of the format keep the same things.
  ///
  /// Source: `LayerParameter` and `V1LayerParameter` in Caffe's `src/caffe/proto/caffe.proto`.
  struct Fields {
    let name: Int
    let type: Int
    let blobs: Int
    /// The four kinds of layer whose parameters are checked.
    let settings: Set<Int>

    static let v2 = Fields(name: 1, type: 2, blobs: 7, settings: [106, 117, 118, 121])
    static let v1 = Fields(name: 4, type: 5, blobs: 6, settings: [10, 17, 18, 19])
  }

  /// `V1LayerParameter.LayerType`, the values that an AlexNet uses.
  static let v1Types: [UInt64: String] = [
    1: "Accuracy", 4: "Convolution", 5: "Data", 6: "Dropout", 12: "ImageData", 14: "InnerProduct",
    15: "LRN", 17: "Pooling", 18: "ReLU", 20: "Softmax", 21: "SoftmaxWithLoss", 22: "Split",
  ]
}
