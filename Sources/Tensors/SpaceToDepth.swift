internal import CKernels

/// Turns a convolution with a stride into one without: blocks of `stride × stride` pixels become the
/// channels of one.
///
/// Output `y`, `x` reads pixels `stride·y + v`, `stride·x + u`; with `v = stride·v' + i` and
/// `u = stride·u' + j` that is pixel `y + v'`, `x + u'` of the folded map, channel `(i, j, c)`. The
/// filter becomes `⌈kernelSize / stride⌉` wide; weights and pixels beyond the ends are zero.
package struct SpaceToDepth: Sendable, Hashable {
  /// The map before, and folded.
  package let input: MapLayout
  package let output: MapLayout
  /// The filter's size after.
  package let kernelSize: Int
  private let stride: Int
  private let unfoldedKernelSize: Int

  /// - Parameters:
  ///   - input: what the convolution reads, without padding.
  ///   - outputs: height and width of what it writes.
  package init(
    _ input: MapLayout, kernelSize: Int, stride: Int, outputs: (height: Int, width: Int)
  ) {
    self.input = input
    self.stride = stride
    unfoldedKernelSize = kernelSize
    let size = (kernelSize + stride - 1) / stride
    self.kernelSize = size
    output = MapLayout(
      channels: input.channels * stride * stride, height: outputs.height + size - 1,
      width: outputs.width + size - 1)
  }

  /// Folds what the folded map's `lines` come from into the first lines of `folded`, a map of at
  /// least as many lines that is otherwise like `output`.
  package func run(_ map: FeatureMap, lines: Range<Int>, into folded: FeatureMap) {
    precondition(
      map.layout == input && folded.layout.pitch == output.pitch
        && folded.layout.channels == output.channels, "maps of another layout")
    precondition(
      lines.lowerBound >= 0 && lines.upperBound <= output.height
        && lines.count <= folded.layout.height, "no such lines")
    var (source, target) = (input.map, output.map)
    let first = lines.lowerBound * stride
    source.height -= min(first, source.height)
    target.height = lines.count
    decaf_space_to_depth(
      map.origin + first * input.pitch, &source, folded.origin, &target, stride)
  }

  /// The weights of filters, outputs × channels × height × width, for the folded map.
  package func fold(_ weights: Span<Float>) -> [Float] {
    let (size, channels) = (unfoldedKernelSize, input.channels)
    let area = kernelSize * kernelSize
    let outputs = weights.count / (channels * size * size)
    precondition(weights.count == outputs * channels * size * size, "weights of another shape")
    var folded = [Float](repeating: 0, count: outputs * output.channels * area)
    for o in 0..<outputs {
      for c in 0..<channels {
        for v in 0..<size {
          for u in 0..<size {
            let channel = (v % stride * stride + u % stride) * channels + c
            let place = v / stride * kernelSize + u / stride
            folded[(o * output.channels + channel) * area + place] =
              weights[((o * channels + c) * size + v) * size + u]
          }
        }
      }
    }
    return folded
  }
}
