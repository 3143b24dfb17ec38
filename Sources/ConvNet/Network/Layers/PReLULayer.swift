internal import Formats
internal import Tensors

/// Rectification with a slope of each channel's own for numbers below zero (He et al., *Delving deep
/// into rectifiers*, 2015), or one for all.
struct PReLULayer: LayerKind {
  var isShared = false

  static let caffe = CaffeLayerType(
    "PReLU", v1Number: nil, settings: .init("prelu_param", field: 131, v1Field: nil))

  init(isShared: Bool = false) { self.isShared = isShared }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    isShared = try settings.flag("channel_shared", default: false)
    settings.ignore("filler")
  }

  var caffeSettings: [CaffeSetting] {
    [
      CaffeSetting(
        "shared slope", [2], isShared ? 1 : 0, default: 0, isShared ? .both : .checked)
    ]
  }

  func parameters(from input: BlobShape) -> [ParameterShape] {
    [ParameterShape("weight", [isShared ? 1 : input.channels])]
  }

  var isActivation: Bool { true }
  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation {
    .learnedRectification(isShared: isShared)
  }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    let stored = planner.network.storedParameters(layer.name).weights.floats()
    let slopes =
      isShared ? [Float](repeating: stored[0], count: layer.inputShape.channels) : stored
    planner.appendPixels(layer) { values in
      for i in 0..<values.count where values[i] < 0 { values[i] = slopes[i] * values[i] }
    }
  }
}
