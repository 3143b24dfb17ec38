internal import Formats
internal import Tensors

/// A factor for each channel, and perhaps a number to add: `b[c] = factor[c] · a[c] + shift[c]`.
struct ScaleLayer: LayerKind {
  var hasShift = false

  static let caffe = CaffeLayerType(
    "Scale", v1Number: nil, settings: .init("scale_param", field: 142, v1Field: nil))

  init(hasShift: Bool = false) { self.hasShift = hasShift }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    hasShift = try settings.flag("bias_term", default: false)
    try settings.require("axis", "1", "-3")
    try settings.require("num_axes", "1")
    settings.ignore("filler", "bias_filler")
  }

  var caffeSettings: [CaffeSetting] {
    [
      CaffeSetting("first axis", [1], 1, default: 1, .checked),
      CaffeSetting("axes", [2], 1, default: 1, .checked),
      CaffeSetting("a number to add", [4], hasShift ? 1 : 0, default: 0),
    ]
  }

  func parameters(from input: BlobShape) -> [ParameterShape] {
    [ParameterShape("weight", [input.channels])]
      + (hasShift ? [ParameterShape("bias", [input.channels])] : [])
  }

  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  var scalesChannels: Bool { true }

  func scaling(_ parameters: LayerParameters) -> ChannelScaling {
    let blobs = parameters.blobs.map { $0.floats() }
    return ChannelScaling(
      factors: blobs[0].map(Double.init),
      shifts: blobs.count > 1
        ? blobs[1].map(Double.init) : [Double](repeating: 0, count: blobs[0].count))
  }

  func operation(from input: BlobShape) -> LayerOperation { .channelScaling }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendScaling(layer)
  }
}
