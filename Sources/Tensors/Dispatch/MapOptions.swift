internal import CKernels

/// What a kernel of maps is told besides the maps; what it does not use stays as it is by default.
package struct MapOptions: Hashable, Sendable {
  /// Windows are so many pixels wide and high, and so many apart; 1 looks at single pixels.
  package var size = 1
  package var stride = 1
  /// How far before the map, and behind it, windows reach.
  package var padding = 0
  package var scale: Float = 1
  package var k: Float = 0

  package init(size: Int = 1, stride: Int = 1, padding: Int = 0, scale: Float = 1, k: Float = 0) {
    precondition(
      size > 0 && stride > 0 && padding >= 0 && padding < size,
      "a window needs a positive size and stride, and has to reach the map")
    (self.size, self.stride, self.padding) = (size, stride, padding)
    (self.scale, self.k) = (scale, k)
  }

  var options: decaf_map_options {
    decaf_map_options(size: size, stride: stride, padding: padding, scale: scale, k: k)
  }
}
