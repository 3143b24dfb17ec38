internal import Tensors

/// The largest number of each window of `kernelSize × kernelSize` pixels, `stride` apart.
///
/// The size is rounded up, as Caffe does (`PoolingLayer::Reshape`), so that no pixel goes unread: the
/// last window may begin so late that it is clipped at the map's edge.
struct MaxPoolingLayer: LayerKind {
  let kernelSize: Int
  let stride: Int

  static let caffe = CaffeLayerType(
    "Pooling", v1Number: 17, settings: .init(field: 121, v1Field: 19))

  var caffeSettings: [CaffeSetting] {
    [
      CaffeSetting("pooling method (0 is max)", [1], 0, default: 0),
      CaffeSetting("kernel size", [2, 5, 6], kernelSize, default: 0),
      CaffeSetting("stride", [3, 7, 8], stride, default: 1),
      CaffeSetting("padding", [4, 9, 10], 0, default: 0, .checked),
      CaffeSetting("global pooling", [12], 0, default: 0, .checked),
      CaffeSetting("rounding (0 is up)", [13], 0, default: 0, .checked),
    ]
  }

  /// `⌈(side − kernelSize) / stride⌉ + 1`.
  func outputShape(from input: BlobShape) -> BlobShape {
    input.mapSides { ($0 - kernelSize + stride - 1) / stride + 1 }
  }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendLines(layer, window: LineWindow(size: kernelSize, stride: stride)) {
      kernels, input, output, lines in
      kernels.run(
        "max_pool", input, into: output, lines: lines,
        MapOptions(size: kernelSize, stride: stride))
    }
  }
}
