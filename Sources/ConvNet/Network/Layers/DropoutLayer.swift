internal import Formats
internal import Tensors

/// Dropout, which leaves activations out in training and does nothing at test time.
///
/// Caffe scales what remains by `1 / (1 − ratio)` while it trains, so its weights need no scaling here
/// (the AlexNet paper, section 4.2, halves the outputs at test time instead).
struct DropoutLayer: LayerKind {
  static let caffe = CaffeLayerType("Dropout", v1Number: 6, settingsName: "dropout_param")

  init() {}

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    settings.ignore("dropout_ratio")
  }

  var isIdentity: Bool { true }
  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation { .dropout }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.share(layer.input, as: layer.output)
  }
}
