internal import ConvNet
internal import Images

/// From a file's bytes to the network's input: decode, crop to the box, transform.
struct ImageLoader: Sendable {
  let transform: InputTransform
  let views: Views
  let faults: FaultInjection

  /// One image's input tensors and what the decoder remarked.
  struct Loaded {
    /// views × 3 × S × S.
    let input: [Float]
    let warning: String?
  }

  /// - Throws: `ImageError`, which becomes the row's message.
  func load(_ file: ReadAhead.File, _ item: BatchItem) throws(ImageError) -> Loaded {
    let bytes = try file.get()
    faults.strike(item.location)
    let decoded = try JPEGDecoder.decode(bytes)
    let image = try item.box.map { box throws(ImageError) in try decoded.image.cropped(to: box) }
    return Loaded(
      input: transform.apply(image ?? decoded.image, views: views), warning: decoded.warning)
  }
}
