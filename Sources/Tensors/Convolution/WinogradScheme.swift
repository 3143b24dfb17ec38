internal import CKernels

/// A pair of tiles that compute convolutions with few multiplications (minimal filtering).
///
/// F(m, r) gives m outputs of a correlation with r weights for m + r − 1 multiplications, one a
/// point, along each axis. A scheme has a large tile of m outputs and a small one of m − 1, whose
/// points are the large one's but the last, so that both use the same transformed weights. The
/// points are in `Scripts/generate-transforms`.
struct WinogradScheme: Sendable, Hashable {
  let number: Int32
  /// Outputs of the large tile, a side.
  let outputs: Int
  /// Weights of the filter, a side.
  let kernelSize: Int

  /// Points of the large tile, a side.
  var points: Int { outputs + kernelSize - 1 }

  /// Every scheme there is.
  static let all = (0..<Int32(DECAF_SCHEME_COUNT)).map { number in
    WinogradScheme(
      number: number, outputs: decaf_scheme_outputs(number),
      kernelSize: decaf_scheme_weights(number))
  }

  /// The scheme for a convolution that makes a map of this size; nil when none fits, or the channels of
  /// a group are no multiple of 16.
  init?(for shape: ConvolutionShape, height: Int, width: Int) {
    guard shape.channelsPerGroup % 16 == 0, let size = shape.denseKernelSize,
      let scheme = Self.all.first(where: {
        $0.kernelSize == size && $0.cut(height) != nil && $0.cut(width) != nil
      })
    else { return nil }
    self = scheme
  }

  private init(number: Int32, outputs: Int, kernelSize: Int) {
    (self.number, self.outputs, self.kernelSize) = (number, outputs, kernelSize)
  }

  /// How an axis is cut into tiles: `large` of them first, then small ones.
  struct Cut: Sendable, Hashable {
    let tiles: Int
    let large: Int
  }

  /// The fewest tiles that fit `size` outputs exactly; nil when none do.
  func cut(_ size: Int) -> Cut? {
    let tiles = (size + outputs - 1) / outputs
    let large = size - tiles * (outputs - 1)
    return large >= 0 && large <= tiles ? Cut(tiles: tiles, large: large) : nil
  }
}
