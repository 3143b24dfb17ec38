internal import Files
internal import Formats
internal import Tensors

/// `.onnx`: a chain of nodes, whose Conv and Gemm have the weights. Layers are told by the tensors' names
/// (`features.0.weight`), else by their order.
struct ONNXFormat: WeightFormat {
  static let pathExtension = "onnx"

  let contents: ModelFile
  private let chain: ONNXChain

  static func recognizes(_ file: MappedFile) -> Bool { ONNXModel.isModel(file) }

  /// - Throws: `ModelError.protobuf`, `unsupported` or `wrongSetting`.
  init(_ file: MappedFile) throws(ModelError) {
    chain = try ONNXChain(try ONNXModel(file), path: file.path)
    var contents = ModelFile(path: file.path)
    contents.layers = chain.layers
    contents.isInOrder = true
    self.contents = contents
  }

  func layerOrder() throws(ModelError) -> Architecture? {
    // As Krizhevsky's, normalization comes before pooling, or, as in Caffe's reference model, after.
    let first = chain.links.first { ["MaxPool", "LRN"].contains($0.type) }?.type
    guard chain.links.contains(where: { $0.type == "LRN" }) else { return nil }
    return first == "LRN" ? .alexnet : .caffenet
  }

  func check(
    against definition: NetworkDefinition, of architecture: Architecture
  ) throws(ModelError) {
    // A user's own network says itself what it reads.
    try chain.check(against: definition, isOfAnySize: !architecture.isShipped)
  }
}
