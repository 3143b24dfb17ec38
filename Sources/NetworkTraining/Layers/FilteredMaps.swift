internal import Tensors

/// Images' maps as minimal filtering reads them: with a frame around them, or folded where the
/// convolution has a stride.
struct FilteredMaps: Sendable {
  /// What is read.
  let layout: MapLayout
  /// The convolution of what is read, of stride 1.
  let shape: ConvolutionShape
  /// Nil for a convolution that has no stride.
  let folding: SpaceToDepth?
  /// Of each thread; empty where maps are read as they are.
  private let buffers: [FloatBuffer]

  /// - Parameters:
  ///   - shape: the convolution's, of maps of that height and width.
  ///   - slots: maps that a thread has at a time.
  init?(_ shape: ConvolutionShape, _ size: PlaneSize, slots: Int, threads: Int) {
    let plain = MapLayout(channels: shape.channels, height: size.height, width: size.width)
    if shape.stride == 1 {
      layout = MapLayout(
        channels: shape.channels, height: size.height, width: size.width,
        padding: max(shape.padding.height, shape.padding.width))
      (self.shape, folding) = (shape, nil)
    } else {
      guard
        let folding = SpaceToDepth(
          plain, for: shape, outputs: shape.outputSize(size.height, size.width))
      else { return nil }
      (layout, self.shape, self.folding) = (folding.output, folding.folded, folding)
    }
    let count = layout.padding == 0 && folding == nil ? 0 : slots * layout.count
    buffers = (0..<threads).map { _ in FloatBuffer(count: count) }
  }

  /// An image's map, of maps without frames that lie one after the other.
  ///
  /// - Parameter slot: of the thread, where a copy is made.
  func map(_ image: Int, of input: FloatBuffer, slot: Int, thread: Int) -> FeatureMap {
    let count = folding?.input.count ?? layout.activationCount
    if layout.padding == 0 && folding == nil {
      return FeatureMap(input, at: image * count, layout)
    }
    let map = FeatureMap(buffers[thread], at: slot * layout.count, layout)
    let part = BufferPart(input, at: image * count, count: count)
    if let folding {
      folding.fold(part, into: map)
    } else {
      let length = layout.width * layout.channels
      for y in 0..<layout.height {
        BufferPart(buffers[thread], at: map.start + layout.origin + y * layout.pitch, count: length)
          .copy(from: part.part(y * length..<(y + 1) * length))
      }
    }
    return map
  }
}
