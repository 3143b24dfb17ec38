internal import Files
internal import Formats
internal import Tensors

/// `.epoch90`, the network that DeCAF's own release came with (`imagenet.decafnet.epoch90`): cuda-convnet's
/// list of layers, pickled by Python 2; see `CudaConvNetChain`.
struct CudaConvNetFormat: WeightFormat {
  static let pathExtension = "epoch90"

  let contents: ModelFile
  private let chain: CudaConvNetChain

  /// A pickle of protocol 2 or later that is no file of PyTorch's, whose first pickle is a number.
  static func recognizes(_ file: MappedFile) -> Bool {
    guard !TorchFile.isLegacy(file) else { return false }
    let start = file.bytes(0..<min(2, file.byteCount))
    return start.count == 2 && start[0] == 0x80 && (2...5).contains(start[1])
  }

  /// - Throws: `ModelError.format`, or `unsupported` for what is no list of layers.
  init(_ file: MappedFile) throws(ModelError) {
    let pickle: Pickle
    do throws(FormatError) {
      pickle = try PickleReader.read(
        ByteSource(file), allowed: NumPyPickle.allowed, path: file.path)
    } catch { throw .format(error) }
    chain = try CudaConvNetChain(pickle, file)
    var contents = ModelFile(path: file.path)
    contents.layers = chain.layersWithNumbers
    contents.preprocess = "decaf-release"
    self.contents = contents
  }

  func layerOrder() throws(ModelError) -> Architecture? {
    try chain.model.architecture(path: contents.path)
  }

  func check(
    against definition: NetworkDefinition, of architecture: Architecture
  ) throws(ModelError) {
    let stated = architecture.hasTwoOrders ? try layerOrder() : nil
    let own = stated.map { order in
      NetworkDefinition(order, through: definition.layers.last { $0.hasParameters }?.name)
    }
    try chain.model.check(
      against: own ?? definition, isOfAnySize: true, path: contents.path)
  }
}
