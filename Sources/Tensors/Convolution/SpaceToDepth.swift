internal import CKernels

/// Turns a convolution with a stride into one without: blocks of `stride × stride` pixels become the
/// channels of one.
///
/// Output `y`, `x` reads pixels `stride·y + v`, `stride·x + u`, counted from the padding's corner; with
/// `v = stride·v' + i` and `u = stride·u' + j` that is pixel `y + v'`, `x + u'` of the folded map,
/// channel `(i, j, c)`. The filter becomes `⌈kernelSize / stride⌉` wide; weights and pixels beyond the
/// ends, and the padding, are zero.
package struct SpaceToDepth: Sendable, Hashable {
  /// The map before, and folded.
  package let input: MapLayout
  package let output: MapLayout
  /// The filter's size after.
  package let kernelSize: Int
  let shape: ConvolutionShape
  var stride: Int { shape.stride.height }
  private var padding: Int { shape.padding.height }

  /// The folding of a convolution's input; nil when there is none: filters, strides or padding differ
  /// by axis, the stride is 1, there are groups or a dilation, or a pixel that no filter reads has
  /// no place in the folded map.
  ///
  /// - Parameters:
  ///   - input: what the convolution reads.
  ///   - outputs: what it writes.
  package init?(_ input: MapLayout, for shape: ConvolutionShape, outputs: PlaneSize) {
    let stride = shape.stride.height
    guard shape.kernelSize.isSquare, shape.stride.isSquare, shape.padding.isSquare, stride > 1,
      shape.groups == 1, shape.dilation == 1
    else { return nil }
    self.shape = shape
    // The folded map has the padding in it.
    self.input = MapLayout(channels: input.channels, height: input.height, width: input.width)
    kernelSize = (shape.kernelSize.height + stride - 1) / stride
    output = MapLayout(
      channels: input.channels * stride * stride, height: outputs.height + kernelSize - 1,
      width: outputs.width + kernelSize - 1)
    guard output.height * stride >= input.height + shape.padding.height,
      output.width * stride >= input.width + shape.padding.width
    else { return nil }
  }

  /// Where channel 0 of the pixel `y`, `x` lies in a folded map, counted from its origin.
  func place(ofPixel y: Int, _ x: Int) -> Int {
    let (row, v) = (y + padding).quotientAndRemainder(dividingBy: stride)
    let (column, u) = (x + padding).quotientAndRemainder(dividingBy: stride)
    return row * output.pitch + column * output.channels + (v * stride + u) * input.channels
  }

  /// Floats that touch in a line as well as in the folded map, and of those of the first block, which
  /// begins with the padding.
  var partLength: Int { stride * input.channels }
  var firstPartLength: Int { (stride - padding % stride) * input.channels }

  /// The convolution of the folded map that does what the one with the stride does of the map before.
  package var folded: ConvolutionShape {
    ConvolutionShape(
      channels: output.channels, outputs: shape.outputs, kernelSize: PlaneSize(kernelSize))
  }

  /// The weights of filters, outputs × channels × height × width, for the folded map.
  package func fold(_ weights: Span<Float>) -> [Float] {
    let (size, channels) = (shape.kernelSize.height, input.channels)
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
