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
  /// - Precondition: filters reach every pixel.
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
    precondition(
      output.height * stride >= input.height && output.width * stride >= input.width,
      "pixels that no filter reads have no place in the folded map")
  }

  /// Where channel 0 of the pixel `y`, `x` lies in a folded map, counted from its origin.
  func place(ofPixel y: Int, _ x: Int) -> Int {
    let (row, v) = y.quotientAndRemainder(dividingBy: stride)
    let (column, u) = x.quotientAndRemainder(dividingBy: stride)
    return row * output.pitch + column * output.channels + (v * stride + u) * input.channels
  }

  /// Floats that touch in a line as well as in the folded map.
  var partLength: Int { stride * input.channels }

  /// The convolution of the folded map that does what `shape` does of the map before.
  package func fold(_ shape: ConvolutionShape) -> ConvolutionShape {
    precondition(
      shape.channels == input.channels && shape.kernelSize == unfoldedKernelSize
        && shape.stride == stride && shape.padding == 0 && shape.groups == 1,
      "another convolution than the map is folded for")
    return ConvolutionShape(
      channels: output.channels, outputs: shape.outputs, kernelSize: kernelSize)
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
