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

  /// Where a generation of the format keeps what both have.
  ///
  /// Source: `LayerParameter` and `V1LayerParameter` in Caffe's `src/caffe/proto/caffe.proto`.
  struct Fields {
    let name: Int
    let type: Int
    let blobs: Int
    /// The messages with settings of known kinds of layers, and of each the fields that may be packed.
    let settings: [Int: Range<Int>]

    static let v2 = Fields(name: 1, type: 2, blobs: 7, settings: settings(\.field))
    static let v1 = Fields(name: 4, type: 5, blobs: 6, settings: settings(\.v1Field))

    private static func settings(
      _ field: KeyPath<CaffeLayerType.Settings, Int>
    ) -> [Int: Range<Int>] {
      let messages = LayerKinds.caffeTypes.compactMap(\.settings)
      return Dictionary(messages.map { ($0[keyPath: field], $0.packed) }) { first, _ in first }
    }
  }

  /// Names by `V1LayerParameter.LayerType`, of the known kinds.
  static let v1Types = Dictionary(LayerKinds.caffeTypes.map { ($0.v1Number, $0.name) }) { name, _ in
    name
  }
}
