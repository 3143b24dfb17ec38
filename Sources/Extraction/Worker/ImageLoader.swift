internal import ConvNet
internal import Images
internal import Tensors

/// What becomes of an image between its file and the network's input: box, decoding, transform.
struct ImageLoader: Sendable {
  let transform: InputTransform
  let views: Views
  let decode: DecodeMode
  /// Larger images are refused.
  var pixelLimit = ImageDecoder.pixelLimit
  let faults: FaultInjection

  /// The memory and the clock of one thread that loads images.
  func makeWriter(_ kernels: NetworkKernels) -> InputWriter {
    InputWriter(transform, views: views, mode: decode, pixelLimit: pixelLimit, kernels: kernels)
  }

  /// Writes one image's input tensors; returns what the decoder remarked.
  ///
  /// - Parameter place: that of a view.
  /// - Throws: `ImageError`, which becomes the row's message.
  func load(
    _ file: ReadAhead.File, _ item: BatchItem, with writer: InputWriter,
    into place: (_ view: Int) -> ImagePlace
  ) throws(ImageError) -> String? {
    let bytes = try file.get()
    faults.strike(item.location)
    return try writer.write(bytes, box: item.box, into: place)
  }
}
