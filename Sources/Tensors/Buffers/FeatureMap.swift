/// How one image's activations lie in memory: height × width × channels, channels innermost, in a
/// frame of zeros.
package struct MapLayout: Sendable, Hashable {
  package let channels: Int
  package let height: Int
  package let width: Int
  /// Width of the frame: what a convolution reads beyond the map's edge.
  package let padding: Int

  package init(channels: Int, height: Int, width: Int, padding: Int = 0) {
    precondition(
      channels > 0 && height > 0 && width > 0 && padding >= 0, "a map needs a positive size")
    self.channels = channels
    self.height = height
    self.width = width
    self.padding = padding
  }

  /// Floats from one line to the next.
  package var pitch: Int { (width + 2 * padding) * channels }
  /// Where the first activation lies, after the frame's upper lines and left side.
  package var origin: Int { padding * (pitch + channels) }
  /// Floats with the frame.
  package var count: Int { (height + 2 * padding) * pitch }
  /// Activations: the floats without the frame.
  package var activationCount: Int { height * width * channels }
}

/// One image's activations: a layout at a place in a buffer.
package struct FeatureMap: Sendable {
  package let buffer: FloatBuffer
  package let start: Int
  package let layout: MapLayout

  /// - Precondition: the layout's floats lie inside the buffer.
  package init(_ buffer: FloatBuffer, at start: Int = 0, _ layout: MapLayout) {
    precondition(
      start >= 0 && layout.count <= buffer.count - start, "a map beyond the end of its buffer")
    self.buffer = buffer
    self.start = start
    self.layout = layout
  }

  /// A map with a buffer of its own.
  package init(_ layout: MapLayout) {
    self.init(FloatBuffer(count: layout.count), layout)
  }

  /// The first activation; what a kernel reads from here on was checked by `init`.
  var origin: UnsafeMutablePointer<Float> { buffer.base + start + layout.origin }
}
