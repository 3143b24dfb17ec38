internal import CKernels

/// What a kernel of maps is told besides the maps; what it does not use stays as it is by default.
package struct MapOptions: Hashable, Sendable {
  /// Windows are so many pixels high and wide, and so many apart; 1 looks at single pixels.
  package var size: PlaneSize = 1
  package var stride: PlaneSize = 1
  /// How far before the map, and behind it, windows reach.
  package var padding: PlaneSize = 0
  /// Channels around one, itself among them.
  package var localSize = 1
  package var scale: Float = 1
  package var k: Float = 0

  package init(
    size: PlaneSize = 1, stride: PlaneSize = 1, padding: PlaneSize = 0, localSize: Int = 1,
    scale: Float = 1, k: Float = 0
  ) {
    for (size, stride, padding) in [
      (size.height, stride.height, padding.height), (size.width, stride.width, padding.width),
    ] {
      precondition(
        size > 0 && stride > 0 && padding >= 0 && padding < size,
        "a window needs a positive size and stride, and has to reach the map")
    }
    (self.size, self.stride, self.padding) = (size, stride, padding)
    (self.localSize, self.scale, self.k) = (localSize, scale, k)
  }

  var options: decaf_map_options {
    decaf_map_options(
      height: size.height, width: size.width, stride_y: stride.height, stride_x: stride.width,
      padding_y: padding.height, padding_x: padding.width, local_size: localSize, scale: scale,
      k: k)
  }
}
