internal import Files
internal import Formats

/// Layers as Caffe had them first (V0), turned into those of the present format.
///
/// Source: `V0LayerParameter` in Caffe's `src/caffe/proto/caffe.proto`, and `UpgradeV0Net` in
/// `src/caffe/util/upgrade_proto.cpp`.
extension CaffeModelReader {
  /// The present name of a kind, by the first one.
  private static let firstNames = [
    "accuracy": "Accuracy", "bnll": "BNLL", "concat": "Concat", "conv": "Convolution",
    "data": "Data", "dropout": "Dropout", "euclidean_loss": "EuclideanLoss", "flatten": "Flatten",
    "hdf5_data": "HDF5Data", "hdf5_output": "HDF5Output", "im2col": "Im2col",
    "images": "ImageData", "infogain_loss": "InfogainLoss", "innerproduct": "InnerProduct",
    "lrn": "LRN", "multinomial_logistic_loss": "MultinomialLogisticLoss", "pool": "Pooling",
    "relu": "ReLU", "sigmoid": "Sigmoid", "softmax": "Softmax", "softmax_loss": "SoftmaxWithLoss",
    "split": "Split", "tanh": "TanH", "window_data": "WindowData",
  ]

  /// Where the present format has a layer's settings, by field number of the first one.
  private static let fields: [String: [Int: Int]] = [
    "conv": [3: 1, 4: 2, 7: 3, 8: 4, 9: 5, 10: 6],
    "innerproduct": [3: 1, 4: 2],
    "pool": [11: 1, 8: 2, 10: 3, 7: 4],
    "lrn": [13: 1, 14: 2, 15: 3, 22: 5],
  ]

  /// Reads a `V0LayerParameter`.
  ///
  /// - Parameter padding: of a `padding` layer before this one, which was a layer of its own; on return,
  ///   of this one.
  /// - Returns: nil for such a layer.
  mutating func readFirstFormat(
    _ range: Range<Int>, _ part: String, after padding: inout Int
  ) throws(ProtobufError) -> CaffeModel.Layer? {
    var layer = CaffeModel.Layer()
    var type = ""
    var found = [Int: UInt64]()
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)): layer.name = reader.text(range)
      case (2, .bytes(let range)): type = reader.text(range)
      case (50, .bytes(let range)):
        guard layer.blobs.count < Self.blobLimit else {
          throw reader.malformed("more than \(Self.blobLimit) blobs")
        }
        layer.blobs.append(try readBlob(range, "a blob of \(part)"))
      case (3...22, .varint(let value)): found[field.number] = value
      case (3...22, .fixed32(let offset)):
        found[field.number] = UInt64(file.float(at: offset).bitPattern)
      default: break
      }
    }
    let before = padding
    padding = 0
    if type == "padding" {
      padding = Int(clamping: found[7] ?? 0)
      return nil
    }
    layer.type = Self.firstNames[type] ?? "V0 type \(type)"
    var settings = CaffeModel.Settings()
    for (old, new) in Self.fields[type] ?? [:] {
      if let value = found[old] { settings.values[new] = [value] }
    }
    // As Caffe's upgrade: the padding goes into the layer that reads it.
    if before > 0 { settings.values[type == "pool" ? 4 : 3] = [UInt64(before)] }
    if Self.fields[type] != nil { layer.settings = settings }
    return layer
  }
}
