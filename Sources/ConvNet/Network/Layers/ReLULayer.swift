internal import Formats
internal import Tensors

/// Rectification: what is below zero becomes zero, or the slope's part of itself; NaN stays.
///
/// Usually the step before does it on the way (`EnginePlanner.rectifies`); a step of its own is there
/// for when the values before it are wanted too.
struct ReLULayer: LayerKind {
  /// Of numbers below zero.
  var slope: Float = 0

  static let caffe = CaffeLayerType(
    "ReLU", v1Number: 18, settings: .init("relu_param", field: 123, v1Field: 30))

  init(slope: Float = 0) { self.slope = slope }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    slope = try settings.number("negative_slope", default: 0)
    settings.ignore("engine")
  }

  var caffeSettings: [CaffeSetting] {
    [CaffeSetting("negative slope", [1], slope, default: 0, slope == 0 ? .checked : .both)]
  }

  var isActivation: Bool { true }
  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation { .rectification(slope: slope) }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    if planner.isRectified(layer.input) {
      planner.share(layer.input, as: layer.output)
    } else if slope == 0, planner.canReplace(layer.input) {
      let map = planner.map(of: layer.input)
      planner.share(layer.input, as: layer.output)
      planner.append(InPlaceStep(layer: layer.name, map: map) { $0.rectify($1) })
    } else {
      planner.appendPixels(layer) { [slope] values in
        for i in 0..<values.count where values[i] < 0 { values[i] = slope * values[i] }
      }
    }
  }
}

extension LayerKind {
  /// A step before can do the layer's work on the way.
  var isPlainReLU: Bool { (self as? ReLULayer)?.slope == 0 }
}
