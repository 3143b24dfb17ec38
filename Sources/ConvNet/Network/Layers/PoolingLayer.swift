internal import Formats
internal import Tensors

/// The largest number, or the mean, of each window of pixels, strides apart, the first beginning so
/// much padding before the map.
///
/// Windows are clipped at the map's edges. A mean is the sum of the pixels in the map, divided by the
/// window's places in the map with its padding, as Caffe counts them (`PoolingLayer`, AVE).
struct PoolingLayer: LayerKind {
  enum Method: Int, Sendable { case max, average }

  enum Rounding: Int, Sendable { case up, down }

  var method = Method.max
  /// Nil for the whole map.
  let kernelSize: PlaneSize?
  var stride: PlaneSize = 1
  var padding: PlaneSize = 0
  /// Of sizes. Caffe rounds them up, so that no pixel goes unread: the last window may begin so late that
  /// it is clipped at the map's edge.
  var rounding = Rounding.up

  static let caffe = CaffeLayerType(
    "Pooling", v1Number: 17, settings: .init("pooling_param", field: 121, v1Field: 19))

  init(
    _ method: Method = .max, kernelSize: PlaneSize?, stride: PlaneSize = 1,
    padding: PlaneSize = 0, rounding: Rounding = .up
  ) {
    (self.method, self.kernelSize, self.stride) = (method, kernelSize, stride)
    (self.padding, self.rounding) = (padding, rounding)
  }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    method = try settings.choice("pool", ["MAX", "AVE"]) == "MAX" ? .max : .average
    let isGlobal = try settings.flag("global_pooling", default: false)
    let size = try settings.plane("kernel_size", axes: ("kernel_h", "kernel_w"))
    stride = try settings.plane("stride", axes: ("stride_h", "stride_w")) ?? 1
    padding = try settings.plane("pad", axes: ("pad_h", "pad_w"), from: 0) ?? 0
    rounding = try settings.choice("round_mode", ["CEIL", "FLOOR"]) == "CEIL" ? .up : .down
    settings.ignore("engine")
    if isGlobal {
      guard size == nil && stride == 1 && padding == 0 else {
        throw settings.error("global_pooling takes no kernel_size, stride or pad")
      }
    } else if size == nil {
      throw settings.error("kernel_size is missing")
    }
    if let size, padding.height >= size.height || padding.width >= size.width {
      throw settings.error("pad: expected less than the kernel's size, \(size), found \(padding)")
    }
    kernelSize = size
  }

  var caffeSettings: [CaffeSetting] {
    [CaffeSetting("pooling method (0 is max, 1 average)", [1], method.rawValue, default: 0)]
      + (kernelSize.map { size in
        CaffeSetting.plane("kernel size", 2, axes: (5, 6), size, default: 0)
      } ?? [])
      + CaffeSetting.plane("stride", 3, axes: (7, 8), stride, default: 1)
      + CaffeSetting.plane(
        "padding", 4, axes: (9, 10), padding, default: 0, padding == 0 ? .checked : .both)
      + [
        CaffeSetting(
          "global pooling", [12], kernelSize == nil ? 1 : 0, default: 0,
          kernelSize == nil ? .both : .checked),
        CaffeSetting(
          "rounding (0 is up)", [13], rounding.rawValue, default: 0,
          rounding == .up ? .checked : .both),
      ]
  }

  func problem(with input: BlobShape, isFlat: Bool) -> String? {
    if let problem = problemOfPlane(isFlat: isFlat) { return problem }
    guard let kernelSize else { return nil }
    for (side, axis) in [(input.height, \PlaneSize.height), (input.width, \PlaneSize.width)] {
      if side + 2 * padding[keyPath: axis] < kernelSize[keyPath: axis] {
        return "a window of \(kernelSize) does not fit a map of \(input.height)×\(input.width)"
      }
      if (outputSide(side, axis) - 1) * stride[keyPath: axis] >= side + padding[keyPath: axis] {
        return "the last window would lie outside the map of \(input.height)×\(input.width)"
      }
    }
    return nil
  }

  /// Of a side with its padding, `(side − kernelSize) / stride + 1`, rounded; one less when the last
  /// window would begin behind the map (Caffe, `PoolingLayer::Reshape`).
  private func outputSide(_ side: Int, _ axis: KeyPath<PlaneSize, Int>) -> Int {
    guard let size = kernelSize?[keyPath: axis] else { return 1 }
    let (stride, padding) = (stride[keyPath: axis], padding[keyPath: axis])
    let room = side + 2 * padding - size
    let count = (rounding == .up ? room + stride - 1 : room) / stride + 1
    return padding > 0 && (count - 1) * stride >= side + padding ? count - 1 : count
  }

  func outputShape(from input: BlobShape) -> BlobShape {
    BlobShape(
      input.channels, outputSide(input.height, \.height), outputSide(input.width, \.width))
  }

  func operation(from input: BlobShape) -> LayerOperation {
    let windows = PoolingWindows(
      kernelSize: kernelSize ?? PlaneSize(input.height, input.width), stride: stride,
      padding: padding)
    return method == .max ? .maxPooling(windows) : .averagePooling(windows)
  }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    let input = layer.inputShape
    let size = kernelSize ?? PlaneSize(input.height, input.width)
    let options = MapOptions(size: size, stride: stride, padding: padding)
    let window = LineWindow(size: size.height, stride: stride.height, padding: padding.height)
    planner.appendLines(layer, window: window) { [method] kernels, input, output, lines in
      kernels.run(
        method == .max ? "max_pool" : "average_pool", input, into: output, lines: lines, options)
    }
  }
}
