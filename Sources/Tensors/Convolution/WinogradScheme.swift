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

  /// Those for weights that training changes, whose gradients have kernels.
  static let learned = all.filter { $0.number != DECAF_SCHEME_7_3 }

  /// Most bytes of a layer's transformed weights that the tiles with more points may have.
  ///
  /// 81 numbers in place of 49 for each filter of nine buy a fifth fewer multiplications. But every rank
  /// keeps them, and a single image waits for them: it reads more from memory than it multiplies.
  /// `Arithmetic.md` has what another bound would give.
  private static let mostWeights = 16 << 20

  /// The scheme for a convolution that makes a map of this size: of those that fit, the one with the
  /// fewest multiplications. Nil when none fits, or the channels of a group are no multiple of 16.
  ///
  /// - Parameter isLearned: training changes the weights.
  init?(for shape: ConvolutionShape, height: Int, width: Int, isLearned: Bool = false) {
    guard shape.channelsPerGroup % 16 == 0, let size = shape.denseKernelSize else { return nil }
    let fitting = (isLearned ? Self.learned : Self.all).filter { scheme in
      guard scheme.kernelSize == size, scheme.cut(height) != nil, scheme.cut(width) != nil
      else { return false }
      return scheme.number != DECAF_SCHEME_7_3
        || scheme.weightBytes(shape) <= Self.mostWeights
    }
    func products(_ scheme: Self) -> Int {
      scheme.points(scheme.cut(height)!) * scheme.points(scheme.cut(width)!)
    }
    guard let scheme = fitting.min(by: { products($0) < products($1) }) else { return nil }
    self = scheme
  }

  /// Bytes of a convolution's transformed weights.
  private func weightBytes(_ shape: ConvolutionShape) -> Int {
    points * points * shape.outputs * shape.channelsPerGroup * MemoryLayout<Float>.stride
  }

  private init(number: Int32, outputs: Int, kernelSize: Int) {
    (self.number, self.outputs, self.kernelSize) = (number, outputs, kernelSize)
  }

  /// How an axis is cut into tiles: `large` of them first, then small ones.
  struct Cut: Sendable, Hashable {
    let tiles: Int
    let large: Int
  }

  /// Points of an axis that is cut so.
  func points(_ cut: Cut) -> Int { cut.tiles * (points - 1) + cut.large }

  /// The fewest tiles that fit `size` outputs exactly; nil when none do.
  func cut(_ size: Int) -> Cut? {
    let tiles = (size + outputs - 1) / outputs
    let large = size - tiles * (outputs - 1)
    return large >= 0 && large <= tiles ? Cut(tiles: tiles, large: large) : nil
  }
}
